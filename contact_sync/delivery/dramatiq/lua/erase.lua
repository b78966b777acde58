-- Erases events, in flight or not. ARGV: margin, installation, their ids. Answers how many there were.
local erased = 0
for n = 3, #ARGV do
  local id = ARGV[n]
  if erase(id, ARGV[1]) then
    erased = erased + 1
  else
    for _, state in ipairs({'waiting', 'failed', 'applied'}) do strike(state, ARGV[2], id) end
  end
end
return erased
