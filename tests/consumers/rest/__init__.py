"""`RestConsumer`."""
