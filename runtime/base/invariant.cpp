#include "runtime/base/invariant.hpp"

#include <cstdio>
#include <cstdlib>

namespace troupe {

void invariant_broken(const char* why, const std::source_location& where) noexcept {
  std::fprintf(stderr, "{\"level\":\"critical\",\"message\":\"invariant broken: %s\",\"at\":\"%s:%u\"}\n",
               why, where.file_name(), static_cast<unsigned>(where.line()));
  std::abort();
}

} // namespace troupe
