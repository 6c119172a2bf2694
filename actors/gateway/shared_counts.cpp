#include "actors/gateway/shared_counts.hpp"

#include "actors/api/node_link.hpp"
#include "persistence/store/byte_codec.hpp"

namespace troupe::gate {

namespace {

constexpr std::uint8_t counts_version = 1;
constexpr std::chrono::milliseconds answer_max{2'000};

std::chrono::milliseconds count(core& home, limited what, const std::string& address) {
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(home.limits_mutex);
  if (what == limited::start)
    return home.starts.on() ? home.starts.take(address, now) : std::chrono::milliseconds{0};
  home.logins.note(address, now);
  return std::chrono::milliseconds{0};
}

} // namespace

std::chrono::milliseconds count_everywhere(core& home, limited what, const std::string& address) {
  const auto wait = count(home, what, address);
  if (home.settings.link == nullptr || wait.count() > 0 ||
      (what == limited::start && home.settings.starts_per_minute == 0))
    return wait;
  byte_writer out;
  out.u8(counts_version).u8(static_cast<std::uint8_t>(what)).text(address);
  const auto bytes = out.take();
  for (const auto node : home.settings.link->others())
    home.settings.link->ask(node, link_topic::counted, bytes, answer_max,
                            [](const result<std::string>&) {});
  return wait;
}

bool count_for_others(core& home, std::string_view bytes) {
  byte_reader in(bytes);
  std::uint8_t version = 0, what = 0;
  std::string_view address;
  if (!in.integer(version) || version != counts_version || !in.integer(what) ||
      (what != static_cast<std::uint8_t>(limited::start) &&
       what != static_cast<std::uint8_t>(limited::failed_login)) ||
      !in.text(address))
    return false;
  (void)count(home, static_cast<limited>(what), std::string(address));
  return true;
}

} // namespace troupe::gate
