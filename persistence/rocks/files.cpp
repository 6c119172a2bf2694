#include "persistence/rocks/files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace troupe::rocks {

descriptor::~descriptor() {
  if (fd_ >= 0)
    ::close(fd_);
}

failure file_failure(int error, std::string_view doing) {
  const auto words = std::string(doing) + ": " + std::generic_category().message(error);
  if (error == ENOSPC || error == EDQUOT)
    return {failure_kind::storage_full,
            "storage_full",
            words,
            "free space on the disk of the data directory",
            {}};
  if (error == EACCES || error == EPERM || error == EROFS)
    return {failure_kind::forbidden,
            "data_dir_not_writable",
            words,
            "give the user of the process read and write access to the data directory",
            {}};
  return {failure_kind::unavailable, "data_dir_unusable", words, {}, {}};
}

result<void> replace_file(const std::string& path, std::string_view content) {
  const auto temporary = path + ".tmp";
  {
    const descriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file)
      return file_failure(errno, "writing the data directory");
    if (::write(file.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()))
      return file_failure(errno == 0 ? ENOSPC : errno, "writing the data directory");
    if (::fsync(file.get()) != 0)
      return file_failure(errno, "syncing the data directory");
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0)
    return file_failure(errno, "writing the data directory");
  const auto slash = path.rfind('/');
  return sync_dir(slash == std::string::npos ? "." : path.substr(0, slash));
}

result<std::optional<std::string>> read_small_file(const std::string& path) {
  const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT)
    return std::optional<std::string>{};
  if (!file)
    return file_failure(errno, "reading the data directory");
  std::string content;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(file.get(), buffer, sizeof buffer)) != 0;) {
    if (got < 0)
      return file_failure(errno, "reading the data directory");
    content.append(buffer, static_cast<std::size_t>(got));
  }
  return std::optional(std::move(content));
}

result<std::vector<std::string>> names_in(const std::string& dir) {
  std::vector<std::string> names;
  DIR* const opened = ::opendir(dir.c_str());
  if (!opened) {
    if (errno == ENOENT)
      return names;
    return file_failure(errno, "reading the data directory");
  }
  while (const dirent* entry = ::readdir(opened)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..")
      names.push_back(name);
  }
  ::closedir(opened);
  std::sort(names.begin(), names.end());
  return names;
}

result<void> make_dir(const std::string& dir) {
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST)
    return file_failure(errno, "creating the data directory");
  return {};
}

result<void> sync_dir(const std::string& dir) {
  const descriptor opened(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened || ::fsync(opened.get()) != 0)
    return file_failure(errno, "syncing the data directory");
  return {};
}

result<void> remove_dir(const std::string& dir) {
  auto names = names_in(dir);
  if (!names)
    return names.error();
  for (const auto& name : *names)
    if (::unlink((dir + "/" + name).c_str()) != 0)
      return file_failure(errno, "removing a folder of the data directory");
  if (::rmdir(dir.c_str()) != 0 && errno != ENOENT)
    return file_failure(errno, "removing a folder of the data directory");
  return {};
}

} // namespace troupe::rocks
