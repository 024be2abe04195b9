"""The history of the tables of wallet."""
