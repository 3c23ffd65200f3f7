#include "store/tag_name.hpp"

#include <algorithm>

namespace sojourn::store {

namespace {

constexpr std::size_t kTagNameBytesMax = 64;

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

bool is_tag_name(std::string_view text) {
    return !text.empty() && text.size() <= kTagNameBytesMax && is_letter(text.front()) &&
           text.find("..") == std::string_view::npos && std::ranges::all_of(text, [](char c) {
               return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
           });
}

}  // namespace sojourn::store
