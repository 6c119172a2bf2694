#include "actors/api/metrics.hpp"

#include <charconv>

namespace troupe {

namespace {

std::string number(double v) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), v);
  return {text.data(), end.ptr};
}

} // namespace

void metrics_text::head(std::string_view name, std::string_view type, std::string_view help) {
  if (last_ == name)
    return;
  last_ = name;
  out_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name);
  out_.append(" ").append(type).append("\n");
}

void metrics_text::value(std::string_view name, std::string_view type, std::string_view help,
                         double v, std::string_view labels) {
  head(name, type, help);
  out_.append(name);
  if (!labels.empty())
    out_.append("{").append(labels).append("}");
  out_.append(" ").append(number(v)).append("\n");
}

void metrics_text::histogram(std::string_view name, std::string_view help,
                             const duration_histogram& h) {
  head(name, "histogram", help);
  std::uint64_t total = 0;
  double bound = 100e-6;
  for (std::size_t i = 0; i <= duration_histogram::bucket_count; ++i, bound *= 2) {
    total += h.bucket(i);
    const auto le = i == duration_histogram::bucket_count ? std::string("+Inf") : number(bound);
    out_.append(name).append("_bucket{le=\"").append(le).append("\"} ");
    out_.append(std::to_string(total)).append("\n");
  }
  out_.append(name).append("_sum ").append(number(static_cast<double>(h.sum_micros()) * 1e-6));
  out_.append("\n").append(name).append("_count ").append(std::to_string(total)).append("\n");
}

} // namespace troupe
