#include "node-config/cluster_files.hpp"

#include "node-config/membership.hpp"
#include "tests/cluster/temporary_dir.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <fstream>
#include <functional>
#include <sstream>

namespace troupe {
namespace {

namespace fs = std::filesystem;

const instant now = std::chrono::floor<milliseconds>(std::chrono::system_clock::now());

cluster_files some_files() {
  auto made = found_cluster("10.0.0.1", 7071, now);
  EXPECT_TRUE(made);
  made->peers = {{{2, "10.0.0.2", 7071}, "http://10.0.0.2:7070"}, {{3, "fd00::3", 9}, ""}};
  return *made;
}

void expect_same(const cluster_files& a, const cluster_files& b) {
  EXPECT_EQ(a.cluster_id, b.cluster_id);
  EXPECT_EQ(a.node, b.node);
  EXPECT_EQ(a.created_by, b.created_by);
  EXPECT_EQ(a.recovery, b.recovery);
  EXPECT_EQ(a.survivor, b.survivor);
  EXPECT_EQ(a.store, b.store);
  EXPECT_EQ(a.lives, b.lives);
  EXPECT_EQ(a.roles, b.roles);
  EXPECT_EQ(a.ended_code + a.ended_why, b.ended_code + b.ended_why);
  EXPECT_EQ(a.host, b.host);
  EXPECT_EQ(a.port, b.port);
  EXPECT_EQ(a.peers, b.peers);
  EXPECT_EQ(a.authority_certificate, b.authority_certificate);
  EXPECT_EQ(a.authority_key, b.authority_key);
  EXPECT_EQ(a.certificate, b.certificate);
  EXPECT_EQ(a.key, b.key);
}

std::string text_of(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::trunc) << text;
}

void expect_loads(const std::string& dir, const cluster_files& wanted) {
  const auto back = load_cluster_files(dir);
  ASSERT_TRUE(back) << back.error().message;
  expect_same(*back, wanted);
}

} // namespace

TEST(ClusterFiles, RoundTrip) {
  const test::temporary_dir dir;
  EXPECT_FALSE(*cluster_files_exist(dir.path));
  EXPECT_EQ(load_cluster_files(dir.path).error().code, "cluster_missing");
  auto files = some_files();
  ASSERT_TRUE(save_cluster_files(dir.path, files));
  EXPECT_TRUE(*cluster_files_exist(dir.path));
  expect_loads(dir.path, files);
  files.peers.pop_back();
  files.recovery = 3;
  files.survivor = true;
  files.store = "0badcafe";
  files.lives = {"one", "two"};
  files.roles = "gateway";
  files.ended_code = "node_removed";
  files.ended_why = "Node 1 was removed.";
  ASSERT_TRUE(save_cluster_files(dir.path, files));
  expect_loads(dir.path, files);
  const auto other = some_files();
  ASSERT_TRUE(save_cluster_files(dir.path, other));
  expect_loads(dir.path, other);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path), fs::directory_iterator{}), 1);
}

TEST(ClusterFiles, WithoutTheAuthoritysKey) {
  const test::temporary_dir dir;
  auto files = some_files();
  files.authority_key.clear();
  ASSERT_TRUE(save_cluster_files(dir.path, files));
  EXPECT_FALSE(fs::exists(cluster_paths_of(dir.path).authority_key));
  expect_loads(dir.path, files);
}

TEST(ClusterFiles, AreForTheirOwnerOnly) {
  const test::temporary_dir dir;
  ASSERT_TRUE(save_cluster_files(dir.path, some_files()));
  const auto paths = cluster_paths_of(dir.path);
  for (const auto& path :
       {paths.description, paths.authority, paths.authority_key, paths.certificate, paths.key}) {
    struct stat found {};
    ASSERT_EQ(::stat(path.c_str(), &found), 0) << path;
    EXPECT_EQ(found.st_mode & 0777u, 0600u) << path;
  }
  for (const auto& path : {paths.authority_key, paths.key}) {
    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    const auto refused = load_cluster_files(dir.path);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "cluster_key_exposed");
    ASSERT_EQ(::chmod(path.c_str(), 0660), 0);
    EXPECT_TRUE(load_cluster_files(dir.path));
  }
}

TEST(ClusterFiles, WhatACrashInterruptedIsFinishedOrForgotten) {
  const test::temporary_dir dir;
  const auto first = some_files(), second = some_files();
  const auto folder = dir.path + "/cluster";
  ASSERT_TRUE(save_cluster_files(dir.path, first));

  // Before node.json, with and without an older folder.
  fs::create_directory(folder + ".new");
  write_text(folder + ".new/node.pem", "half");
  expect_loads(dir.path, first);
  fs::rename(folder, dir.path + "/away");
  EXPECT_FALSE(*cluster_files_exist(dir.path));
  fs::rename(dir.path + "/away", folder);
  ASSERT_TRUE(save_cluster_files(dir.path, first));

  // Between the two renames.
  const test::temporary_dir other;
  ASSERT_TRUE(save_cluster_files(other.path, second));
  fs::remove_all(folder + ".new");
  fs::rename(other.path + "/cluster", folder + ".new");
  fs::rename(folder, folder + ".old");
  EXPECT_TRUE(*cluster_files_exist(dir.path));
  expect_loads(dir.path, second);

  // Before the old folder was removed.
  ASSERT_TRUE(save_cluster_files(dir.path, first));
  expect_loads(dir.path, first);
  EXPECT_FALSE(fs::exists(folder + ".old"));
}

TEST(ClusterFiles, DamageIsToldWithTheNameOfTheFile) {
  const auto good = some_files(), other = some_files();
  const auto replaced = [](std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  using change = std::function<std::string(const std::string&)>;
  const auto to = [](std::string text) -> change {
    return [text = std::move(text)](const std::string&) { return text; };
  };
  const auto swap = [&](std::string from, std::string by) -> change {
    return [=](const std::string& text) { return replaced(text, from, by); };
  };
  struct {
    const char* file;
    change how;
    const char* code;
    const char* words;
  } const rows[] = {
      {"node.json", to(""), "cluster_file_damaged", "is not JSON"},
      {"node.json", to("[]"), "cluster_file_damaged", "format"},
      {"node.json", swap("\"format\": 1", "\"format\": 2"), "cluster_file_newer", "format 2"},
      {"node.json", swap("\"node\": 1,", "\"node\": 0,"), "cluster_file_damaged", "number"},
      {"node.json", swap("\"node\": 1,", "\"node\": 2,"), "cluster_file_damaged", "itself"},
      {"node.json", swap("\"node\": 1,", "\"node\": 9,"), "certificate_invalid", "another"},
      {"node.json", swap(good.cluster_id, other.cluster_id), "certificate_invalid", "another"},
      {"node.json", swap(good.cluster_id, "x"), "cluster_file_damaged", "no cluster"},
      {"node.json", swap("\"port\": 7071", "\"port\": 70710"), "cluster_file_damaged", "port"},
      {"node.json", swap("10.0.0.1", "0.0.0.0"), "cluster_file_damaged", "every address"},
      {"node.json", swap("\"node\": 3", "\"node\": 2"), "cluster_file_damaged", "twice"},
      {"node.json", swap("fd00::3", "a b"), "cluster_file_damaged", "peers"},
      {"authority.pem", to(other.authority_certificate), "certificate_invalid", "not signed by"},
      {"node.pem", to("x"), "certificate_invalid", "damaged"},
      {"node.pem", to(other.certificate), "certificate_invalid", "not signed by"},
      {"node-key.pem", to(other.key), "certificate_invalid", "another key"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(std::string{row.file} + " " + row.words);
    const test::temporary_dir dir;
    ASSERT_TRUE(save_cluster_files(dir.path, good));
    const auto path = dir.path + "/cluster/" + row.file;
    write_text(path, row.how(text_of(path)));
    const auto refused = load_cluster_files(dir.path);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, row.code);
    EXPECT_NE(refused.error().message.find(row.words), std::string::npos)
        << refused.error().message;
    EXPECT_NE(refused.error().message.find("cluster/"), std::string::npos);
    EXPECT_FALSE(refused.error().hint.empty());
    EXPECT_EQ(refused.error().message.find(dir.path), std::string::npos);
    EXPECT_TRUE(*cluster_files_exist(dir.path));
  }
}

TEST(ClusterFiles, AMissingFileIsNamed) {
  for (const auto* name : {"node.json", "authority.pem", "node.pem", "node-key.pem"}) {
    const test::temporary_dir dir;
    ASSERT_TRUE(save_cluster_files(dir.path, some_files()));
    fs::remove(dir.path + "/cluster/" + name);
    const auto refused = load_cluster_files(dir.path);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "cluster_file_missing");
    EXPECT_NE(refused.error().message.find(name), std::string::npos);
    EXPECT_TRUE(*cluster_files_exist(dir.path));
  }
}

TEST(ClusterFiles, WrongOnesAreNotSaved) {
  const test::temporary_dir dir;
  auto files = some_files();
  files.key = some_files().key;
  EXPECT_EQ(save_cluster_files(dir.path, files).error().code, "certificate_invalid");
  EXPECT_FALSE(*cluster_files_exist(dir.path));
}

} // namespace troupe
