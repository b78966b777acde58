-- Renews the leases of those that still hold them. ARGV: lease, then mailbox and owner of each.
for n = 2, #ARGV, 2 do
  local mailbox, owner = ARGV[n], ARGV[n + 1]
  local installation, held_by = unpack(redis.call('HMGET', key('box', mailbox), 'inst', 'owner'))
  if held_by == owner then hold(mailbox, installation, owner, ARGV[1]) end
end
return 1
