// libFuzzer: any JSON as a definition.
#include "runtime/base/invariant.hpp"
#include "runtime/workflow/compile.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace troupe;
  static const catalog types;
  const auto v = json::parse({reinterpret_cast<const char*>(data), size});
  if (!v)
    return 0;
  const auto made = compile(
      *v, {types, {}, {}, [](std::string_view skill) { return skill.starts_with("known"); }});
  check((made.executable == nullptr) != made.errors.empty(), "a plan or errors, never both");
  if (const auto stored = normalise(*v))
    (void)to_graph(*stored);
  return 0;
}
