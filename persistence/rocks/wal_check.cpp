#include "persistence/rocks/wal_check.hpp"

#include "persistence/rocks/crc32c.hpp"
#include "persistence/rocks/files.hpp"
#include "persistence/rocks/status.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace troupe::rocks {

namespace {

// The format: blocks of 32 KiB; in them fragments of {masked CRC-32C of type and payload, length,
// type, payload}; a block's last bytes that cannot hold a header are zero.
constexpr std::size_t block_bytes = 32768;
constexpr std::size_t header_bytes = 7;
enum fragment_type : std::uint8_t { full = 1, first = 2, middle = 3, last = 4 };

struct fragment {
  std::uint8_t type = 0;
  std::string_view payload;
};

template <class Integer> Integer little_endian(const char* bytes) {
  Integer v = 0;
  for (std::size_t i = sizeof(Integer); i-- > 0;)
    v = static_cast<Integer>((v << 8) | static_cast<std::uint8_t>(bytes[i]));
  return v;
}

class mapped_file {
public:
  explicit mapped_file(const std::string& path)
      : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat about {};
    if (!file_ || ::fstat(file_.get(), &about) != 0)
      return;
    size_ = static_cast<std::size_t>(about.st_size);
    if (size_ > 0)
      at_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file_.get(), 0);
    readable_ = at_ != MAP_FAILED;
  }
  mapped_file(const mapped_file&) = delete;
  mapped_file& operator=(const mapped_file&) = delete;
  ~mapped_file() {
    if (size_ > 0 && readable_)
      ::munmap(at_, size_);
  }
  bool readable() const { return readable_; }
  std::string_view bytes() const { return {static_cast<const char*>(at_), size_}; }

private:
  descriptor file_;
  void* at_ = nullptr;
  std::size_t size_ = 0;
  bool readable_ = false;
};

std::optional<fragment> fragment_at(std::string_view file, std::size_t at) {
  const std::size_t block_end = std::min((at / block_bytes + 1) * block_bytes, file.size());
  if (at + header_bytes > block_end)
    return std::nullopt;
  const auto size = little_endian<std::uint16_t>(file.data() + at + 4);
  const auto type = static_cast<std::uint8_t>(file[at + 6]);
  if (type < full || type > last || at + header_bytes + size > block_end)
    return std::nullopt;
  if (unmasked(little_endian<std::uint32_t>(file.data() + at)) !=
      crc32c(0, file.substr(at + 6, 1 + std::size_t{size})))
    return std::nullopt;
  return fragment{type, file.substr(at + header_bytes, size)};
}

/// One file read as far as it makes sense.
struct wal_reading {
  std::size_t good_bytes = 0; ///< end of the last whole record that counts
  bool damaged = false;       ///< whole records follow behind the damage, or a gap in the sequence
};

class wal_reader {
public:
  wal_reader(std::string_view file, std::uint64_t start_max, std::uint64_t& next_sequence)
      : file_(file), start_max_(start_max), next_(next_sequence) {}

  wal_reading read(std::optional<std::uint64_t> sequence_max, std::uint64_t& records) {
    std::string head;
    bool inside = false;
    for (std::size_t at = 0; at < file_.size();) {
      if (block_bytes - at % block_bytes < header_bytes) {
        at += block_bytes - at % block_bytes;
        continue;
      }
      const auto part = fragment_at(file_, at);
      const bool begins = part && (part->type == full || part->type == first);
      if (!part || begins == inside)
        return {good_, whole_record_after(at + 1)};
      if (begins)
        head.clear();
      // The record's own header: sequence number (8 bytes) and count (4).
      head.append(part->payload.substr(0, 12 - std::min<std::size_t>(12, head.size())));
      at += header_bytes + part->payload.size();
      inside = part->type == first || part->type == middle;
      if (inside)
        continue;
      if (head.size() < 12)
        return {good_, true};
      const auto sequence = little_endian<std::uint64_t>(head.data());
      if (sequence_max && sequence > *sequence_max)
        return {good_, false};
      if (!follows(sequence))
        return {good_, true};
      next_ = sequence + little_endian<std::uint32_t>(head.data() + 8);
      good_ = at;
      ++records;
    }
    return {good_, false};
  }

private:
  // Log files that the tables no longer need are deleted newest first. A process that ends
  // meanwhile leaves the older ones, and a gap behind them that the tables fill.
  bool follows(std::uint64_t sequence) const {
    if (next_ == 0)
      return sequence <= start_max_;
    return sequence == next_ || (good_ == 0 && sequence > next_ && sequence <= start_max_);
  }

  // A write is synced before the next begins, so a record that begins behind the damage proves that
  // the damaged one had been acknowledged.
  bool whole_record_after(std::size_t at) const {
    for (; at + header_bytes + 12 <= file_.size(); ++at) {
      const auto type = static_cast<std::uint8_t>(file_[at + 6]);
      if (type != full && type != first)
        continue;
      const auto part = fragment_at(file_, at);
      if (!part || part->payload.size() < 12)
        continue;
      const auto sequence = little_endian<std::uint64_t>(part->payload.data());
      if (sequence > next_ && sequence - next_ < (std::uint64_t{1} << 40))
        return true;
    }
    return false;
  }

  std::string_view file_;
  std::uint64_t start_max_; ///< a log that begins later lacks what came before
  std::uint64_t& next_;     ///< the sequence number that must follow; 0: any
  std::size_t good_ = 0;
};

std::optional<std::uint64_t> number_of(const std::string& name) {
  std::uint64_t v = 0;
  if (!name.ends_with(".log"))
    return std::nullopt;
  const auto* const end = name.data() + name.size() - 4;
  const auto read = std::from_chars(name.data(), end, v);
  return read.ec == std::errc{} && read.ptr == end ? std::optional(v) : std::nullopt;
}

result<std::vector<std::pair<std::uint64_t, std::string>>> wals_in(const std::string& dir) {
  auto names = names_in(dir);
  if (!names)
    return names.error();
  std::vector<std::pair<std::uint64_t, std::string>> files;
  for (const auto& name : *names)
    if (const auto number = number_of(name))
      files.emplace_back(*number, name);
  std::sort(files.begin(), files.end());
  return files;
}

result<void> cut(const std::string& path, std::size_t size) {
  const descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::ftruncate(file.get(), static_cast<off_t>(size)) != 0 || ::fsync(file.get()) != 0)
    return file_failure(errno, "cutting the torn tail of the log");
  return {};
}

} // namespace

std::string encode(const std::vector<wal_cut>& cuts) {
  std::string text;
  for (const auto& one : cuts)
    text += std::to_string(one.file) + " " + std::to_string(one.sequence) + "\n";
  return text;
}

std::vector<wal_cut> wal_cuts_from(std::string_view text) {
  std::vector<wal_cut> cuts;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    wal_cut one;
    const auto space = line.find(' ');
    if (space == std::string_view::npos)
      continue;
    std::from_chars(line.data(), line.data() + space, one.file);
    std::from_chars(line.data() + space + 1, line.data() + line.size(), one.sequence);
    cuts.push_back(one);
  }
  return cuts;
}

std::string wal_path(const std::string& dir, std::uint64_t number) {
  const auto digits = std::to_string(number);
  return dir + "/" + std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits + ".log";
}

result<std::uint64_t> newest_wal(const std::string& dir) {
  auto files = wals_in(dir);
  if (!files)
    return files.error();
  return files->empty() ? std::uint64_t{0} : files->back().first;
}

result<wal_summary> check_wals(const std::string& dir, const wal_start& start,
                               const std::vector<wal_cut>& cuts) {
  auto files = wals_in(dir);
  if (!files)
    return files.error();
  std::erase_if(*files, [&](const auto& file) { return file.first < start.first_file; });
  if (files->empty() && !start.log_expected)
    return wal_summary{};
  if (files->empty())
    return corrupt("the write-ahead log is missing");
  wal_summary summary{files->size(), 0, 0};
  std::uint64_t next = 0;
  std::uint64_t start_max = start.flushed_sequence + 1;
  // The write that brings the log back after a full disk takes a number without a record.
  if (!cuts.empty() && cuts.front().file < files->front().first)
    start_max = UINT64_MAX;
  std::optional<std::pair<std::string, std::size_t>> torn; // found, and nothing behind it so far
  for (const auto& [number, name] : *files) {
    const mapped_file mapped(dir + "/" + name);
    if (!mapped.readable())
      return corrupt("cannot read " + name);
    std::optional<std::uint64_t> sequence_max;
    for (const auto& one : cuts)
      if (!sequence_max && number <= one.file)
        sequence_max = one.sequence;
    const auto read =
        wal_reader(mapped.bytes(), start_max, next).read(sequence_max, summary.records);
    const bool has_records = read.good_bytes > 0;
    if (has_records)
      start_max = start.flushed_sequence + 1;
    const bool tail = read.good_bytes < mapped.bytes().size();
    if (read.damaged || (torn && (has_records || tail)))
      return corrupt(torn ? torn->first + " is damaged at byte " + std::to_string(torn->second)
                          : name + " is damaged at byte " + std::to_string(read.good_bytes));
    if (tail && sequence_max) {
      if (auto done = cut(dir + "/" + name, read.good_bytes); !done)
        return done.error();
    } else if (tail) {
      torn.emplace(name, read.good_bytes);
      summary.bytes_cut += mapped.bytes().size() - read.good_bytes;
    }
    if (sequence_max) {
      next = 0;
      start_max = UINT64_MAX;
    }
  }
  if (torn)
    if (auto done = cut(dir + "/" + torn->first, torn->second); !done)
      return done.error();
  return summary;
}

} // namespace troupe::rocks
