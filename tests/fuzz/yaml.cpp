// YAML: any bytes give JSON or a failure, and what is JSON can be written and read again.
#include "net/provider/yaml.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  troupe::provider::yaml_limits limits;
  limits.bytes_max = 64u << 10;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto made = troupe::provider::yaml_to_json(text, limits);
  if (!made)
    return 0;
  const auto again = troupe::json::parse(troupe::json::write(*made), {66, std::size_t{64} << 20});
  if (!again || !troupe::json::same(*made, *again))
    std::abort();
  return 0;
}
