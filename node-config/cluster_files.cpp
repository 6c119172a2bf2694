#include "node-config/cluster_files.hpp"

#include "net/cluster/certificates.hpp"
#include "persistence/rocks/files.hpp"
#include "runtime/base/ids.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

namespace troupe {

namespace {

constexpr std::uint64_t description_format = 1;
constexpr std::size_t description_bytes_max = std::size_t{1} << 20;

constexpr const char* restore_hint =
    "Put the file back from a copy. A node that lost its files for good is removed from the "
    "cluster and joins again with an empty data directory: `troupe cluster join --help`.";

/// One PEM file and the member of cluster_files that it holds.
struct pem_file {
  const char* name;
  std::string cluster_files::*content;
  bool secret;
  bool optional;
};
constexpr std::array pem_files{
    pem_file{"authority.pem", &cluster_files::authority_certificate, false, false},
    pem_file{"authority-key.pem", &cluster_files::authority_key, true, true},
    pem_file{"node.pem", &cluster_files::certificate, false, false},
    pem_file{"node-key.pem", &cluster_files::key, true, false},
};
constexpr const char* description_name = "node.json";

failure damaged(const std::string& name, const std::string& why) {
  return {failure_kind::malformed,
          "cluster_file_damaged",
          "cluster/" + name + " " + why,
          restore_hint,
          {}};
}

bool there(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0;
}

result<void> rename_folder(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0)
    return rocks::file_failure(errno, "renaming the folder of the cluster's files");
  return {};
}

/// node.json is written last: a new folder that has it is whole.
result<void> finish_interrupted(const std::string& data_dir, const std::string& folder) {
  const auto target = data_dir + "/" + folder, fresh = target + ".new";
  if (there(target) || !there(fresh + "/" + description_name))
    return {};
  if (auto renamed = rename_folder(fresh, target); !renamed)
    return renamed;
  return rocks::sync_dir(data_dir);
}

std::string description_of(const cluster_files& files) {
  json::object out{{"format", description_format},
                   {"cluster_id", files.cluster_id},
                   {"node", files.node},
                   {"created_by", files.created_by},
                   {"listen", json::object{{"host", files.host}, {"port", files.port}}},
                   {"peers", peers_json(files.peers)}};
  if (files.partitions != 0)
    out["partitions"] = files.partitions;
  if (files.recovery != 0)
    out["recovery"] = files.recovery;
  if (files.survivor)
    out["survivor"] = true;
  if (!files.store.empty())
    out["store"] = files.store;
  if (!files.lives.empty())
    out["lives"] = json::array(files.lives.begin(), files.lives.end());
  if (!files.roles.empty())
    out["roles"] = files.roles;
  if (!files.ended_code.empty())
    out["ended"] = json::object{{"code", files.ended_code}, {"why", files.ended_why}};
  return json::write_pretty(json::value(std::move(out))) + "\n";
}

result<cluster_files> description_from(const std::string& text) {
  const auto parsed = json::parse(text, {.depth_max = 8, .bytes_max = description_bytes_max});
  if (!parsed)
    return damaged(description_name, "is not JSON: " + parsed.error().message);
  const auto format = unsigned_member(*parsed, "format", UINT64_MAX);
  if (!format || *format == 0)
    return damaged(description_name, "has no format number.");
  if (*format > description_format)
    return failure{failure_kind::conflict,
                   "cluster_file_newer",
                   "cluster/node.json has format " + std::to_string(*format) +
                       "; this build reads " + std::to_string(description_format) + ".",
                   "Start the release that wrote it, or a newer one.",
                   {}};
  cluster_files files;
  files.cluster_id = json::text_or(*parsed, "cluster_id", "");
  files.node = unsigned_member(*parsed, "node", UINT64_MAX).value_or(0);
  files.created_by = json::text_or(*parsed, "created_by", "");
  files.partitions =
      static_cast<std::uint16_t>(unsigned_member(*parsed, "partitions", 4'095).value_or(0));
  files.recovery =
      static_cast<std::uint32_t>(unsigned_member(*parsed, "recovery", UINT32_MAX).value_or(0));
  if (const auto* survivor = json::find(*parsed, "survivor"))
    files.survivor = survivor->is_bool() && survivor->get_bool();
  files.store = json::text_or(*parsed, "store", "");
  files.roles = json::text_or(*parsed, "roles", "");
  if (const auto* lives = json::find(*parsed, "lives"); lives && lives->is_array())
    for (const auto& one : lives->get_array())
      if (one.is_string())
        files.lives.emplace_back(one.get_string());
  if (const auto* ended = json::find(*parsed, "ended")) {
    files.ended_code = json::text_or(*ended, "code", "");
    files.ended_why = json::text_or(*ended, "why", "");
  }
  if (const auto* listen = json::find(*parsed, "listen")) {
    files.host = json::text_or(*listen, "host", "");
    files.port =
        static_cast<std::uint16_t>(unsigned_member(*listen, "port", UINT16_MAX).value_or(0));
  }
  auto peers = peers_from(json::find(*parsed, "peers"));
  if (!peers)
    return damaged(description_name, "has a wrong list of peers: " + peers.error().message);
  files.peers = std::move(*peers);
  return files;
}

/// Group rights are left alone: volumes of containers are shared by group.
result<void> check_private(const std::string& path, const std::string& name) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0 || (found.st_mode & S_IRWXO) == 0)
    return {};
  return failure{failure_kind::forbidden,
                 "cluster_key_exposed",
                 "cluster/" + name + " can be read by every user of this machine.",
                 "chmod 600 the file; if somebody may have copied it, let the node join anew.",
                 {}};
}

result<std::optional<std::string>> read_named(const std::string& folder, const char* name) {
  auto content = rocks::read_small_file(folder + "/" + name);
  if (!content) {
    auto why = content.error();
    why.message = "cluster/" + std::string{name} + " cannot be read: " + why.message;
    return why;
  }
  return content;
}

failure missing(const char* name) {
  return {failure_kind::not_found,
          "cluster_file_missing",
          "cluster/" + std::string{name} + " is missing from the data directory.",
          restore_hint,
          {}};
}

result<cluster_files> read_folder(const std::string& folder) {
  const auto text = read_named(folder, description_name);
  if (!text)
    return text.error();
  if (!*text)
    return missing(description_name);
  auto files = description_from(**text);
  if (!files)
    return files.error();
  for (const auto& one : pem_files) {
    auto content = read_named(folder, one.name);
    if (!content)
      return content.error();
    if (!*content && !one.optional)
      return missing(one.name);
    if (one.secret)
      if (auto fits = check_private(folder + "/" + one.name, one.name); !fits)
        return fits.error();
    (*files).*(one.content) = content->value_or("");
  }
  return files;
}

result<void> write_folder(const std::string& folder, const cluster_files& files) {
  if (auto removed = rocks::remove_dir(folder); !removed)
    return removed;
  if (auto made = rocks::make_dir(folder); !made)
    return made;
  for (const auto& one : pem_files)
    if (const auto& content = files.*(one.content); !content.empty())
      if (auto written = rocks::replace_file(folder + "/" + one.name, content); !written)
        return written;
  return rocks::replace_file(folder + "/" + description_name, description_of(files));
}

result<void> swap_in(const std::string& data_dir, const std::string& folder) {
  const auto target = data_dir + "/" + folder, fresh = target + ".new", old = target + ".old";
  if (auto synced = rocks::sync_dir(data_dir); !synced)
    return synced;
  if (there(target)) {
    if (auto removed = rocks::remove_dir(old); !removed)
      return removed;
    if (auto renamed = rename_folder(target, old); !renamed)
      return renamed;
  }
  if (auto renamed = rename_folder(fresh, target); !renamed)
    return renamed;
  if (auto synced = rocks::sync_dir(data_dir); !synced)
    return synced;
  return rocks::remove_dir(old);
}

bool same_keys(const cluster_files& a, const cluster_files& b) {
  return std::all_of(pem_files.begin(), pem_files.end(),
                     [&](const pem_file& one) { return a.*(one.content) == b.*(one.content); });
}

result<void> check_description(const cluster_files& files) {
  if (!uuid_from_text(files.cluster_id))
    return damaged(description_name, "names no cluster.");
  if (files.node == 0)
    return damaged(description_name, "has no number of the node.");
  if (auto fits = check_peer_address(files.host, files.port); !fits)
    return damaged(description_name, "has a wrong address to listen at: " + fits.error().message);
  for (const auto& peer : files.peers)
    if (peer.address.node == files.node)
      return damaged(description_name, "names the node itself as its peer.");
  return {};
}

} // namespace

cluster_paths cluster_paths_of(const std::string& data_dir) {
  const auto folder = data_dir + "/cluster";
  return {folder,
          folder + "/" + description_name,
          folder + "/authority.pem",
          folder + "/authority-key.pem",
          folder + "/node.pem",
          folder + "/node-key.pem"};
}

result<bool> cluster_files_exist(const std::string& data_dir) {
  if (auto finished = finish_interrupted(data_dir, "cluster"); !finished)
    return finished.error();
  return there(data_dir + "/cluster");
}

result<void> check_cluster_files(const cluster_files& files) {
  if (auto fits = check_description(files); !fits)
    return fits;
  const auto wrong = [](const char* file, const failure& why) {
    return failure{failure_kind::invalid,
                   why.code,
                   std::string{"cluster/"} + file + ": " + why.message,
                   "Check the clock of this machine. If it is right, the node joins again with an "
                   "empty data directory: `troupe cluster join --help`.",
                   {}};
  };
  if (auto holds =
          cluster::check_certificate(files.authority_certificate, files.certificate, files.key);
      !holds)
    return wrong("node.pem", holds.error());
  const auto facts = cluster::facts_of(files.certificate);
  if (!facts)
    return wrong("node.pem", facts.error());
  if (facts->cluster_id != files.cluster_id || facts->node != files.node)
    return wrong("node.pem", invalid("certificate_invalid",
                                     "The certificate is for another cluster or node than "
                                     "cluster/node.json."));
  return {};
}

result<cluster_files> load_cluster_files(const std::string& data_dir) {
  if (auto finished = finish_interrupted(data_dir, "cluster"); !finished)
    return finished.error();
  const auto folder = data_dir + "/cluster";
  if (!there(folder))
    return failure{failure_kind::not_found,
                   "cluster_missing",
                   "This data directory belongs to no cluster.",
                   "Begin one with `troupe cluster init`, or join one with `troupe cluster join`.",
                   {}};
  auto files = read_folder(folder);
  if (!files)
    return files;
  if (auto fits = check_cluster_files(*files); !fits)
    return fits.error();
  return files;
}

result<void> save_cluster_files(const std::string& data_dir, const cluster_files& files,
                                const std::string& folder) {
  if (auto fits = check_cluster_files(files); !fits)
    return fits;
  if (auto finished = finish_interrupted(data_dir, folder); !finished)
    return finished;
  const auto target = data_dir + "/" + folder;
  // Peers come and go, keys hardly ever: one file is one step, and nobody finds the folder gone.
  if (const auto now = read_folder(target); now && same_keys(*now, files))
    return rocks::replace_file(target + "/" + description_name, description_of(files));
  if (auto written = write_folder(target + ".new", files); !written)
    return written;
  return swap_in(data_dir, folder);
}

std::uint16_t partitions_of_cluster(const std::string& data_dir) {
  const auto files = load_cluster_files(data_dir);
  return files ? files->partitions : std::uint16_t{0};
}

} // namespace troupe
