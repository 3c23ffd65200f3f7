#include "tools/spectest/spectest_module.hpp"

namespace sojourn::spec {

namespace {

using namespace std::string_view_literals;

/// Unsigned LEB128.
std::string leb(std::size_t value) {
    std::string bytes;
    for (; value >= 0x80; value >>= 7U)
        bytes += static_cast<char>(0x80U | (value & 0x7fU));
    return bytes += static_cast<char>(value);
}

std::string section(char id, std::initializer_list<std::string_view> items) {
    std::string content = leb(items.size());
    for (const std::string_view item : items)
        content += item;
    return id + leb(content.size()) + content;
}

std::string exported(std::string_view name, std::string_view kind_and_index) {
    return leb(name.size()) + std::string(name) + std::string(kind_and_index);
}

std::string assemble() {
    const std::string types =
        section(1, {"\x60\0\0"sv, "\x60\1\x7f\0"sv, "\x60\1\x7e\0"sv, "\x60\1\x7d\0"sv,
                    "\x60\1\x7c\0"sv, "\x60\2\x7f\x7d\0"sv, "\x60\2\x7c\x7c\0"sv});
    const std::string functions =
        section(3, {"\0"sv, "\1"sv, "\2"sv, "\3"sv, "\4"sv, "\5"sv, "\6"sv});
    // 10 elements, at most 20; the second with 64-bit indices.
    const std::string tables = section(4, {"\x70\1\x0a\x14"sv, "\x70\5\x0a\x14"sv});
    const std::string memories = section(5, {"\1\1\2"sv});
    // 666, 666, 666.6, 666.6
    const std::string globals = section(6, {"\x7f\0\x41\x9a\x05\x0b"sv, "\x7e\0\x42\x9a\x05\x0b"sv,
                                            "\x7d\0\x43\x66\xa6\x26\x44\x0b"sv,
                                            "\x7c\0\x44\xcd\xcc\xcc\xcc\xcc\xd4\x84\x40\x0b"sv});
    const std::string exports =
        section(7, {exported("print", "\0\0"sv), exported("print_i32", "\0\1"sv),
                    exported("print_i64", "\0\2"sv), exported("print_f32", "\0\3"sv),
                    exported("print_f64", "\0\4"sv), exported("print_i32_f32", "\0\5"sv),
                    exported("print_f64_f64", "\0\6"sv), exported("table", "\1\0"sv),
                    exported("table64", "\1\1"sv), exported("memory", "\2\0"sv),
                    exported("global_i32", "\3\0"sv), exported("global_i64", "\3\1"sv),
                    exported("global_f32", "\3\2"sv), exported("global_f64", "\3\3"sv)});
    constexpr auto kEmptyBody = "\2\0\x0b"sv;
    const std::string bodies = section(
        10, {kEmptyBody, kEmptyBody, kEmptyBody, kEmptyBody, kEmptyBody, kEmptyBody, kEmptyBody});
    return std::string("\0asm\1\0\0\0"sv) + types + functions + tables + memories + globals +
           exports + bodies;
}

}  // namespace

Result<std::shared_ptr<const vm::Module>> load_spectest_module() {
    const std::string module = assemble();
    const Bytes bytes = as_bytes(module);
    return vm::load_module({bytes.begin(), bytes.end()});
}

}  // namespace sojourn::spec
