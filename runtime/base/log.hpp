// The only global of the product: the log sink. node-config installs spdlog behind it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace troupe::log {

enum class level { debug, info, warning, error, critical };

/// One member of the JSON line: key and value. Never pass a secret.
struct field {
  std::string_view key;
  std::variant<std::int64_t, double, bool, std::string_view> value;
};

using sink = void (*)(level, std::string_view component, std::string_view message,
                      std::initializer_list<field> fields);

/// Installs the sink; until then lines are dropped. Call once, before threads start.
void install(sink target) noexcept;
/// Lines below this level cost one comparison. May be called at any time, from any thread.
void set_level(level lowest) noexcept;
bool enabled(level at) noexcept;

/// Writes one line. Thread-safe.
void write(level at, std::string_view component, std::string_view message,
           std::initializer_list<field> fields = {});

inline void info(std::string_view component, std::string_view message,
                 std::initializer_list<field> fields = {}) {
  write(level::info, component, message, fields);
}
inline void warning(std::string_view component, std::string_view message,
                    std::initializer_list<field> fields = {}) {
  write(level::warning, component, message, fields);
}
inline void error(std::string_view component, std::string_view message,
                  std::initializer_list<field> fields = {}) {
  write(level::error, component, message, fields);
}

} // namespace troupe::log
