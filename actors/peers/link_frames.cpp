#include "actors/peers/link_frames.hpp"

#include "actors/base/link_bytes.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::uint8_t frame_version = 1;
constexpr std::uint32_t pieces_max = 1u << 20;
constexpr std::size_t unfinished_max = 4'096;

} // namespace

std::vector<std::string> cut(const link_frame& whole, std::size_t piece_bytes_max) {
  const auto pieces = std::max<std::size_t>(1, (whole.bytes.size() + piece_bytes_max - 1) /
                                                   std::max<std::size_t>(1, piece_bytes_max));
  std::vector<std::string> out;
  out.reserve(pieces);
  for (std::size_t i = 0; i < pieces; ++i) {
    link_writer to;
    to.u8(frame_version).u8(static_cast<std::uint8_t>(whole.kind)).u8(whole.topic).u64(whole.id);
    to.u32(static_cast<std::uint32_t>(i)).u32(static_cast<std::uint32_t>(pieces));
    to.rest(std::string_view(whole.bytes).substr(i * piece_bytes_max, piece_bytes_max));
    out.push_back(to.take());
  }
  return out;
}

void frame_joiner::drop(std::map<key, unfinished>::iterator at) {
  bytes_ -= at->second.frame.bytes.size();
  unfinished_.erase(at);
}

void frame_joiner::make_room() {
  while (!unfinished_.empty() && (bytes_ > bytes_max_ || unfinished_.size() > unfinished_max))
    drop(std::ranges::min_element(unfinished_, {},
                                  [](const auto& each) { return each.second.began; }));
}

std::optional<link_frame> frame_joiner::add(std::uint64_t from, std::string_view message) {
  link_reader in(message);
  if (in.u8() != frame_version)
    return std::nullopt;
  const auto kind = in.u8();
  link_frame piece;
  piece.topic = in.u8();
  piece.id = in.u64();
  const auto index = in.u32(), pieces = in.u32();
  if (!in.ok() || kind < 1 || kind > 3 || index >= pieces || pieces > pieces_max)
    return std::nullopt;
  piece.kind = static_cast<link_frame::kind_of>(kind);
  const auto bytes = in.rest();
  const key where{from, {piece.id, kind}};
  auto at = unfinished_.find(where);
  if (index == 0) {
    if (at != unfinished_.end())
      drop(at);
    if (bytes.size() > message_bytes_max_)
      return std::nullopt;
    if (pieces == 1) {
      piece.bytes = bytes;
      return piece;
    }
    piece.bytes = bytes;
    bytes_ += bytes.size();
    unfinished_.emplace(where, unfinished{std::move(piece), 1, pieces, ++began_});
    make_room();
    return std::nullopt;
  }
  if (at == unfinished_.end())
    return std::nullopt;
  auto& open = at->second;
  if (open.next != index || open.pieces != pieces || open.frame.topic != piece.topic ||
      open.frame.bytes.size() + bytes.size() > message_bytes_max_) {
    drop(at);
    return std::nullopt;
  }
  open.frame.bytes.append(bytes);
  bytes_ += bytes.size();
  if (++open.next < pieces) {
    make_room();
    return std::nullopt;
  }
  auto whole = std::move(open.frame);
  bytes_ -= whole.bytes.size();
  unfinished_.erase(at);
  return whole;
}

void frame_joiner::forget(std::uint64_t from) {
  for (auto at = unfinished_.begin(); at != unfinished_.end();)
    if (at->first.first == from)
      drop(at++);
    else
      ++at;
}

} // namespace troupe
