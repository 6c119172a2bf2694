// Lists of documents: full text, tags and fields of their bodies.
#include "persistence/views/page.hpp"

#include "runtime/base/utf8.hpp"

#include <algorithm>

namespace troupe::sqlite {

namespace {

constexpr std::size_t trigram_characters = 3;
constexpr std::size_t terms_max = 16;

std::vector<std::string> terms_of(std::string_view query) {
  std::vector<std::string> terms;
  std::string term;
  for (const char c : std::string(query) + " ") {
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\0') {
      term.push_back(c);
      continue;
    }
    if (!term.empty() && terms.size() < terms_max)
      terms.push_back(std::move(term));
    term.clear();
  }
  return terms;
}

std::string quoted_phrase(std::string_view term) {
  std::string out = "\"";
  for (const char c : term)
    out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

/// Latin letters and digits have words between other characters: "2" is not in "42".
bool is_word(std::string_view term) {
  return std::all_of(term.begin(), term.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

std::string word_pattern(std::string_view term) {
  std::string out = "*[^0-9a-z]";
  for (const char c : term)
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out + "[^0-9a-z]*";
}

std::string like_pattern(std::string_view term) {
  std::string out = "%";
  for (const char c : term) {
    if (c == '%' || c == '_' || c == '\\')
      out.push_back('\\');
    out.push_back(c);
  }
  return out + "%";
}

// Every term must occur. The index knows trigrams; shorter terms (two Chinese characters are a
// word) are looked for in the text itself, Latin ones as whole words.
void add_text_search(conditions& where, std::string_view query) {
  std::string phrases;
  for (const auto& term : terms_of(query)) {
    if (utf8_length(term) >= trigram_characters)
      phrases += (phrases.empty() ? "" : " AND ") + quoted_phrase(term);
    else if (is_word(term))
      where.add("key IN (SELECT rowid FROM document_texts WHERE ' ' || lower(text) || ' ' GLOB ?)",
                word_pattern(term));
    else
      where.add("key IN (SELECT rowid FROM document_texts WHERE text LIKE ? ESCAPE '\\')",
                like_pattern(term));
  }
  if (!phrases.empty())
    where.add("key IN (SELECT rowid FROM document_texts WHERE document_texts MATCH ?)", phrases);
}

} // namespace

result<view_page> answer_documents(connection& from, const document_filter& filter) {
  conditions where;
  where.add("collection = ?", filter.collection);
  if (filter.enabled)
    where.add("enabled = ?", std::int64_t{*filter.enabled});
  for (const auto& tag : filter.tags)
    where.add("EXISTS (SELECT 1 FROM json_each(CASE WHEN json_valid(tags) THEN tags ELSE '[]' END) "
              "WHERE value = ?)",
              tag);
  if (!filter.field.empty()) {
    // Texts, numbers and booleans compare by their JSON text without quotes.
    where.add("EXISTS (SELECT 1 FROM json_each(CASE WHEN json_valid(body) THEN body ELSE '{}' END) "
              "WHERE key = ?",
              filter.field);
    where.also(" AND CASE type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'null' THEN "
               "'null' ELSE CAST(value AS TEXT) END = ?)",
               filter.field_value);
  }
  add_text_search(where, filter.query);
  list_query list{'d', "created_ms, id, body", "documents"};
  list.limit = filter.limit;
  list.cursor = filter.cursor;
  list.item = [](const row& found) { return std::string(found.text(2)); };
  return page_of(from, std::move(where), list);
}

} // namespace troupe::sqlite
