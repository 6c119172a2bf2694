#include "persistence/rocks/loading_file.hpp"

#include "persistence/rocks/files.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace troupe {

namespace {

/// At most one byte more than a page has, which says that it is none.
result<std::string> read_page(const std::string& path) {
  const rocks::descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT)
    return std::string{};
  std::string page(loading_page_bytes + 1, '\0');
  const auto got = file ? ::pread(file.get(), page.data(), page.size(), 0) : -1;
  if (got < 0)
    return rocks::file_failure(errno, "reading the file of loading marks");
  page.resize(static_cast<std::size_t>(got));
  return page;
}

} // namespace

result<std::unique_ptr<loading_marks>> open_loading_file(const std::string& data_dir,
                                                         std::string_view version) {
  const auto path = data_dir + "/loading";
  const auto found = read_page(path);
  if (!found)
    return found.error();
  const auto page = loading_page_after(*found, version);
  // All deaths are counted in one step: a process that dies here has counted all of them or none.
  if (page != *found)
    if (auto written = rocks::replace_file(path, page); !written)
      return written.error();
  auto file = std::make_shared<rocks::descriptor>(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!*file)
    return rocks::file_failure(errno, "opening the file of loading marks");
  // Written, not mapped: on a full or failing disk a write fails, a mapped page ends the process.
  return std::make_unique<loading_marks>(page, [file](std::size_t at, std::string_view bytes) {
    [[maybe_unused]] const auto kept =
        ::pwrite(file->get(), bytes.data(), bytes.size(), static_cast<off_t>(at));
  });
}

} // namespace troupe
