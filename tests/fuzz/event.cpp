// Bytes as a row of events: decoding never crashes, and what decodes is written back the same.
#include "runtime/engine/codec.hpp"
#include "runtime/engine/messages.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace troupe;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const auto all = decode_events(text)) {
    const auto written = encode_events(*all);
    const auto again = decode_events(written);
    check(again.has_value() && encode_events(*again) == written,
          "what was decoded is written and read back the same");
    std::vector<blob_id> blobs;
    blobs_of(*all, blobs);
  }
  (void)decode_turn(text);
  if (const auto message = decode_message(text)) {
    const auto again = decode_message(encode_message(*message));
    check(again.has_value(), "a message that was decoded is read back");
  }
  return 0;
}
