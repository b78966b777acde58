// PocketBase runs this when it starts for the first time: a collection of contacts, and batch calls.
migrate((app) => {
  app.save(new Collection({
    type: "base",
    name: "contacts",
    fields: [
      { name: "email", type: "email" },
      { name: "first_name", type: "text" },
      { name: "last_name", type: "text" },
      { name: "phone", type: "text" },
      { name: "created", type: "autodate", onCreate: true },
      { name: "updated", type: "autodate", onCreate: true, onUpdate: true },
    ],
    indexes: [
      "CREATE UNIQUE INDEX contacts_email ON contacts (email COLLATE NOCASE) WHERE email != ''",
      "CREATE INDEX contacts_updated ON contacts (updated)",
    ],
  }));
  const settings = app.settings();
  settings.batch.enabled = true;
  settings.batch.maxRequests = 50;
  settings.batch.timeout = 10;
  app.save(settings);
});
