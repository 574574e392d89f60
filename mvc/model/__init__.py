"""What a version is: frozen values and their exact bytes."""
