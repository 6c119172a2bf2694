#include "persistence/rocks/data_dir.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace troupe::rocks {

namespace {

constexpr std::string_view complete = "troupe data directory 1\n";
constexpr std::string_view creating = "troupe data directory 1 creating\n";
constexpr std::string_view restored_marker = "troupe data directory 1 restored\n";
constexpr std::string_view restoring = "troupe data directory 1 restoring\n";
constexpr std::string_view any_format = "troupe data directory ";

// What a mount or an interrupted first start may leave in an otherwise empty folder.
bool harmless(const std::string& name) {
  return name == "lost+found" || name == "LOCK" || name == "TROUPE.tmp";
}

result<bool> empty_but_for_harmless(const std::string& path) {
  auto names = names_in(path);
  if (!names)
    return names.error();
  for (const auto& name : *names)
    if (!harmless(name))
      return false;
  return true;
}

result<descriptor> lock(const std::string& path) {
  descriptor file(::open((path + "/LOCK").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file)
    return file_failure(errno, "locking the data directory");
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return file_failure(errno, "locking the data directory");
    return failure{failure_kind::conflict,
                   "data_dir_in_use",
                   "another process has this data directory open",
                   "stop that process, or give this one a data directory of its own",
                   {}};
  }
  return file;
}

failure foreign() {
  return {failure_kind::conflict,
          "data_dir_foreign",
          "the folder holds files that are not Troupe's",
          "choose an empty folder, or one that Troupe made",
          {}};
}

} // namespace

result<data_dir> data_dir::take(const std::string& path) {
  if (auto made = make_dir(path); !made)
    return made.error();
  const auto marker = read_small_file(path + "/TROUPE");
  if (!marker)
    return marker.error();
  const bool known = marker->has_value();
  if (!known) {
    const auto empty = empty_but_for_harmless(path);
    if (!empty)
      return empty.error();
    if (!*empty)
      return foreign();
  }
  auto locked = lock(path);
  if (!locked)
    return locked.error();
  data_dir taken(path, std::move(*locked), !known || **marker == creating);
  taken.restored_ = known && **marker == restored_marker;
  if (!known) {
    if (auto written = replace_file(path + "/TROUPE", creating); !written)
      return written.error();
  } else if (**marker == restoring) {
    return failure{failure_kind::conflict,
                   "data_dir_incomplete",
                   "a restore into this data directory did not end",
                   "empty the folder and run `troupe restore` again",
                   {}};
  } else if (**marker != complete && !taken.fresh() && !taken.restored()) {
    if (!(*marker)->starts_with(any_format))
      return foreign();
    return failure{failure_kind::conflict,
                   "data_dir_newer",
                   "the data directory has another format than 1, which this build reads",
                   "start the release that wrote it",
                   {}};
  }
  return taken;
}

result<data_dir> data_dir::take_for_restore(const std::string& path) {
  if (auto made = make_dir(path); !made)
    return made.error();
  const auto empty = empty_but_for_harmless(path);
  if (!empty)
    return empty.error();
  if (!*empty)
    return failure{failure_kind::conflict,
                   "data_dir_not_empty",
                   "the target of a restore must be an empty folder",
                   "choose a new folder",
                   {}};
  auto locked = lock(path);
  if (!locked)
    return locked.error();
  data_dir taken(path, std::move(*locked), true);
  if (auto written = replace_file(path + "/TROUPE", restoring); !written)
    return written.error();
  return taken;
}

result<void> data_dir::mark_complete() {
  if (auto written = replace_file(path_ + "/TROUPE", complete); !written)
    return written.error();
  fresh_ = false;
  restored_ = false;
  return {};
}

result<void> data_dir::mark_restored() {
  return replace_file(path_ + "/TROUPE", restored_marker);
}

} // namespace troupe::rocks
