#include "runtime/base/invariant.hpp"

#include <cstdio>
#include <cstdlib>

namespace troupe {

void invariant_broken(const char* why, const code_place& where) noexcept {
  std::fprintf(stderr,
               "{\"level\":\"critical\",\"message\":\"invariant broken: %s\","
               "\"at\":\"%s:%u\"}\n",
               why, where.file, where.line);
  std::abort();
}

} // namespace troupe
