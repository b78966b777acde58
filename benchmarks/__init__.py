"""Measurements of this machine: `make bench`. They assert nothing; they show figures beside yardsticks and aims."""
