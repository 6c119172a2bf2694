// Collects the complaints about one definition. Private to this folder.
#pragma once

#include "runtime/base/result.hpp"

#include <string>
#include <vector>

namespace troupe::drafting {

/// More are not kept: nobody reads them, and a definition may be large.
constexpr std::size_t faults_max = 1'000;

struct faults {
  std::vector<node_error> errors, warnings;

  void error(std::string node, std::string field, std::string code, std::string message) {
    add(errors, {std::move(node), std::move(field), std::move(code), std::move(message)});
  }
  void warn(std::string node, std::string field, std::string code, std::string message) {
    add(warnings, {std::move(node), std::move(field), std::move(code), std::move(message)});
  }

private:
  static void add(std::vector<node_error>& list, node_error fault) {
    if (list.size() < faults_max)
      list.push_back(std::move(fault));
  }
};

} // namespace troupe::drafting
