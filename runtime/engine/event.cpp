#include "runtime/engine/event.hpp"

#include <charconv>

namespace troupe {

std::string to_text(const iteration_path& path) {
  std::string text;
  for (auto index : path) {
    if (!text.empty())
      text.push_back('/');
    text += std::to_string(index);
  }
  return text;
}

std::optional<iteration_path> iteration_from_text(std::string_view text) {
  iteration_path path;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    std::uint32_t index = 0;
    const auto [next, ec] = std::from_chars(at, end, index);
    if (ec != std::errc{} || path.size() == 64)
      return std::nullopt;
    path.push_back(index);
    at = next;
    if (at == end)
      break;
    if (*at != '/' || ++at == end)
      return std::nullopt;
  }
  return path;
}

std::string_view kind_of(const events::any& what) noexcept {
  return std::visit([](const auto& e) { return std::decay_t<decltype(e)>::kind; }, what);
}

} // namespace troupe
