// An empty folder that goes with the test.
#pragma once

#include <filesystem>
#include <string>
#include <unistd.h>

namespace troupe::test {

class temporary_dir {
public:
  temporary_dir() {
    static int made = 0;
    path = std::filesystem::temp_directory_path() /
           ("troupe-cluster-" + std::to_string(::getpid()) + "-" + std::to_string(++made));
    std::filesystem::remove_all(path);
    std::filesystem::create_directory(path);
  }
  temporary_dir(const temporary_dir&) = delete;
  temporary_dir& operator=(const temporary_dir&) = delete;
  ~temporary_dir() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }

  std::string path;
};

} // namespace troupe::test
