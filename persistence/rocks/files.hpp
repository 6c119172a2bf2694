// Small durable files and folders of a data directory, on the machine's own file system.
#pragma once

#include "runtime/base/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::rocks {

/// A file descriptor that closes itself.
class descriptor {
public:
  explicit descriptor(int fd = -1) noexcept : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor();
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

private:
  int fd_;
};

/// The failure that an errno of a file operation stands for: "storage_full",
/// "data_dir_not_writable" or "data_dir_unusable" with the system's words.
failure file_failure(int error, std::string_view doing);

/// Replaces a small file so that after a crash the old or the new content is there, never a mix.
result<void> replace_file(const std::string& path, std::string_view content);

/// The content, or an empty optional when there is no such file.
result<std::optional<std::string>> read_small_file(const std::string& path);

/// Names in a folder without "." and "..", sorted; empty when there is no such folder.
result<std::vector<std::string>> names_in(const std::string& dir);

/// Makes one folder with mode 0700; an existing one is fine.
result<void> make_dir(const std::string& dir);

/// Makes the names of a folder durable.
result<void> sync_dir(const std::string& dir);

/// Removes a folder with the files in it (no folders below).
result<void> remove_dir(const std::string& dir);

} // namespace troupe::rocks
