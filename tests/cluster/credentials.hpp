// Certificates of a cluster's nodes as files, good ones and others.
#pragma once

#include "net/cluster/certificates.hpp"
#include "net/cluster/peers.hpp"
#include "runtime/base/invariant.hpp"
#include "tests/cluster/temporary_dir.hpp"

#include <fstream>
#include <string>

namespace troupe::test {

/// The three files of one node.
struct credential_files {
  std::string authority, certificate, key;
};

/// One authority and the folder of its files.
class credentials {
public:
  credentials() : authority_(made(cluster::make_authority("cluster", years))) {}

  credential_files of(cluster::node_number node, std::chrono::days valid = years) {
    const auto asked = made(cluster::make_request("cluster", node));
    const auto signed_one = made(cluster::sign(authority_, asked.request, "cluster", node, valid));
    const auto stem = folder_.path + "/" + std::to_string(++files_) + "-";
    return {write(stem + "authority.pem", authority_.certificate),
            write(stem + "node.pem", signed_one), write(stem + "node.key", asked.key)};
  }

  /// As files written by somebody else.
  std::string write(const std::string& path, const std::string& text) const {
    std::ofstream(path) << text;
    return path;
  }
  const std::string& folder() const { return folder_.path; }

private:
  static constexpr std::chrono::days years{3'650};
  template <class T> static T made(result<T> what) {
    check(what.has_value(), "a certificate of the test cannot be made");
    return std::move(*what);
  }

  temporary_dir folder_;
  cluster::authority authority_;
  int files_ = 0;
};

} // namespace troupe::test
