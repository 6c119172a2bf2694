#include "persistence/rocks/status.hpp"

#include "runtime/base/log.hpp"

#include <cctype>
#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace troupe::rocks {

namespace {

// "/data/rocks/000012.sst" becomes "000012.sst": a failure never carries a path of the machine.
std::string without_folders(std::string_view text) {
  std::string out;
  for (const char c : text) {
    // "Input/output error" is what the system calls EIO, and no path.
    if (c == '/' && !out.ends_with("Input")) {
      while (!out.empty() && !std::isspace(static_cast<unsigned char>(out.back())) &&
             out.back() != ':' && out.back() != '\'' && out.back() != '"')
        out.pop_back();
      continue;
    }
    out.push_back(c);
  }
  return out;
}

} // namespace

bool disk_full(const rocksdb::Status& status) noexcept {
  return status.IsNoSpace();
}

bool medium_failed(const rocksdb::Status& status) noexcept {
  return status.IsIOError() && !status.IsNoSpace();
}

bool device_failed(const rocksdb::Status& status) {
  return medium_failed(status) && status.ToString().ends_with(std::strerror(EIO));
}

failure corrupt(std::string what) {
  return {failure_kind::internal,
          "store_corrupt",
          std::move(what),
          "run `troupe log verify` to see what is affected, then `troupe restore` with a backup",
          {}};
}

failure to_failure(const rocksdb::Status& status) {
  auto words = without_folders(status.ToString());
  if (disk_full(status))
    return storage_full();
  if (status.IsCorruption() || status.IsPathNotFound())
    return corrupt(std::move(words));
  if (status.IsShutdownInProgress())
    return shutting_down();
  if (status.IsIOError() || status.IsPathNotFound() || status.IsNotFound())
    return {failure_kind::internal,
            "store_unreadable",
            std::move(words),
            "check the disk, then run `troupe log verify`",
            {}};
  return {failure_kind::internal, "store_failed", std::move(words), {}, {}};
}

void end_process(const rocksdb::Status& status, std::string_view during) noexcept {
  const auto words = without_folders(status.ToString());
  log::write(log::level::critical, "store", "a write to the disk failed; the process ends",
             {{"during", during}, {"status", std::string_view(words)}});
  const auto line = "troupe: a write to the disk failed during " + std::string(during) + " (" +
                    words + "); the process ends; acknowledged work is safe\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(74);
}

} // namespace troupe::rocks
