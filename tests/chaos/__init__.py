"""The proof that nothing is lost: a storm of events while processes, stores, the CRM and the disk fail at random.

`python -m tests.chaos --help`, or `make chaos` for all deliveries.
"""
