"""Results of evaluations, as the tools of training and measuring write them. A form is recognised by its content."""
