"""Platform tags: the tags that registry versions have, and how they follow the tags and aliases of a model."""
