#include "node-config/cli/terminal.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace troupe::cli {

bool colours() noexcept {
  static const bool wanted = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  return wanted;
}

std::string paint(colour c, std::string_view text) {
  if (!colours() || c == colour::plain)
    return std::string{text};
  const char* code = c == colour::green    ? "32"
                     : c == colour::red    ? "31"
                     : c == colour::yellow ? "33"
                     : c == colour::cyan   ? "36"
                     : c == colour::grey   ? "90"
                                           : "1";
  return "\033[" + std::string{code} + "m" + std::string{text} + "\033[0m";
}

std::string paint_status(std::string_view status) {
  const auto c = status == "success"                           ? colour::green
                 : status == "failed" || status == "timed_out" ? colour::red
                 : status == "partial" || status == "retrying" ? colour::yellow
                 : status == "running" || status == "waiting"  ? colour::cyan
                                                               : colour::grey;
  return paint(c, status);
}

void print_table(const std::vector<std::string>& head,
                 const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(head.size());
  for (std::size_t i = 0; i < head.size(); ++i) {
    widths[i] = head[i].size();
    for (const auto& row : rows)
      widths[i] = std::max(widths[i], row[i].size());
  }
  const auto line = [&](const std::vector<std::string>& cells, bool is_head) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      auto cell = cells[i];
      const auto padding = i + 1 < cells.size() ? widths[i] - cell.size() + 2 : 0;
      if (is_head)
        cell = paint(colour::bold, cell);
      else if (head[i] == "STATUS")
        cell = paint_status(cell);
      text += cell + std::string(padding, ' ');
    }
    std::puts(text.c_str());
  };
  line(head, true);
  for (const auto& row : rows)
    line(row, false);
}

std::string human_seconds(double seconds) {
  char text[48];
  if (seconds < 1)
    std::snprintf(text, sizeof text, "%.0f ms", seconds * 1000);
  else if (seconds < 60)
    std::snprintf(text, sizeof text, "%.1f s", seconds);
  else
    std::snprintf(text, sizeof text, "%d min %d s", static_cast<int>(seconds) / 60,
                  static_cast<int>(seconds) % 60);
  return text;
}

int print_failure(const failure& why) {
  std::fprintf(stderr, "%s %s\n", paint(colour::red, "error:").c_str(), why.message.c_str());
  for (const auto& e : why.node_errors)
    std::fprintf(stderr, "  %s%s%s: %s\n", e.node.empty() ? "workflow" : e.node.c_str(),
                 e.field.empty() ? "" : ".", e.field.c_str(), e.message.c_str());
  if (!why.hint.empty())
    std::fprintf(stderr, "  %s\n", why.hint.c_str());
  if (why.kind == failure_kind::unavailable || why.kind == failure_kind::upstream)
    return exit_code::unreachable;
  return why.code == "setting_invalid" || why.code == "setting_unknown" || why.code == "usage"
             ? exit_code::usage
             : exit_code::refused;
}

std::string field(const json::value& v, std::string_view key) {
  const auto* member = json::find(v, key);
  if (!member || member->is_null())
    return {};
  return member->is_string() ? std::string{member->get_string()} : json::write(*member);
}

} // namespace troupe::cli
