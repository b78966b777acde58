"""Ready-made consumers. Each is imported by its own name, and needs its extra: nothing of them is loaded unasked.

contact_sync.consumers.rest        RestConsumer: a JSON API, declared in Python or YAML
contact_sync.consumers.hubspot     HubSpotConsumer
contact_sync.consumers.slack       SlackConsumer       contact-sync[slack]
contact_sync.consumers.carddav     CardDAVConsumer     contact-sync[carddav]
contact_sync.consumers.sql_table   SQLTableConsumer    contact-sync[sql]
"""
