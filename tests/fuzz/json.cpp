// What the parser accepts must come back the same from its own text.
#include "runtime/base/json.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace troupe;
  const auto parsed = json::parse({reinterpret_cast<const char*>(data), size});
  if (!parsed)
    return 0;
  const std::string text = json::write(*parsed);
  const auto again = json::parse(text);
  if (!again || !json::same(*parsed, *again) || json::written_size(*parsed) != text.size())
    std::abort();
  return 0;
}
