#include "node-config/zones.hpp"

#include <cctz/time_zone.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace troupe {

namespace {

bool name_is_good(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name.front() != '/' && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '/' || c == '_' || c == '-' || c == '+';
         });
}

} // namespace

bool zone_known(std::string_view name) {
  if (name == "UTC")
    return true;
  if (!name_is_good(name))
    return false;
  // The library remembers every name it is asked for, also wrong ones: those must not reach it.
  const char* folder = std::getenv("TZDIR");
  const std::filesystem::path file =
      std::filesystem::path(folder != nullptr ? folder : "/usr/share/zoneinfo") / name;
  std::error_code ec;
  cctz::time_zone zone;
  return std::filesystem::is_regular_file(file, ec) &&
         cctz::load_time_zone(std::string(name), &zone);
}

} // namespace troupe
