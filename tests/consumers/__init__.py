"""The ready-made consumers."""
