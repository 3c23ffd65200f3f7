#pragma once

#include <initializer_list>

#include "vm/wasm/module.hpp"

namespace sojourn::test {

/// Bytes as a test writes them.
using Raw = std::vector<std::uint8_t>;

inline constexpr std::uint8_t kI32 = 0x7f;
inline constexpr std::uint8_t kI64 = 0x7e;
inline constexpr std::uint8_t kF32 = 0x7d;
inline constexpr std::uint8_t kF64 = 0x7c;
inline constexpr std::uint8_t kFuncref = 0x70;

/// Unsigned LEB128.
inline Raw leb(std::uint64_t value) {
    Raw result;
    do {
        const auto low = static_cast<std::uint8_t>(value & 0x7f);
        value >>= 7;
        result.push_back(value == 0 ? low : static_cast<std::uint8_t>(low | 0x80));
    } while (value != 0);
    return result;
}

/// Signed LEB128.
inline Raw signed_leb(std::int64_t value) {
    Raw result;
    for (bool is_last = false; !is_last;) {
        const auto low = static_cast<std::uint8_t>(value & 0x7f);
        value >>= 7;
        is_last = value == ((low & 0x40) != 0 ? -1 : 0);
        result.push_back(is_last ? low : static_cast<std::uint8_t>(low | 0x80));
    }
    return result;
}

inline Raw join(std::initializer_list<Raw> parts) {
    Raw result;
    for (const Raw& part : parts)
        result.insert(result.end(), part.begin(), part.end());
    return result;
}

/// A length, then the bytes: a body, a name, the content of a section.
inline Raw sized(const Raw& bytes) {
    return join({leb(bytes.size()), bytes});
}

inline Raw text(std::string_view characters) {
    return {characters.begin(), characters.end()};
}

/// Assembles a module by hand, section by section, and checks nothing.
class ModuleBuilder {
public:
    /// One function of type `parameters` -> `results`, exported by nobody. `body` is what follows
    /// its (empty) list of locals, without the final `end`.
    static ModuleBuilder with_body(const Raw& body, const Raw& parameters = {},
                                   const Raw& results = {}) {
        ModuleBuilder builder;
        builder.function_type(parameters, results);
        builder.section(3, {1, 0});
        builder.code({join({{0}, body, {0x0b}})});
        return builder;
    }

    ModuleBuilder& section(std::uint8_t id, const Raw& content) {
        bytes_ = join({bytes_, {id}, sized(content)});
        return *this;
    }
    /// A type section with this type alone.
    ModuleBuilder& function_type(const Raw& parameters, const Raw& results) {
        return section(1, join({{1, 0x60}, sized(parameters), sized(results)}));
    }
    /// A code section. Each body begins with its locals and has its `end`.
    ModuleBuilder& code(std::initializer_list<Raw> bodies) {
        Raw content = leb(bodies.size());
        for (const Raw& body : bodies)
            content = join({content, sized(body)});
        return section(10, content);
    }

    [[nodiscard]] const Raw& raw() const { return bytes_; }

private:
    Raw bytes_ = {0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00};
};

inline ByteVector to_bytes(const Raw& raw) {
    const auto bytes = std::as_bytes(std::span(raw));
    return {bytes.begin(), bytes.end()};
}

inline Result<std::shared_ptr<const vm::Module>> load(const Raw& raw) {
    return vm::load_module(to_bytes(raw));
}
inline Result<std::shared_ptr<const vm::Module>> load(const ModuleBuilder& builder) {
    return load(builder.raw());
}

}  // namespace sojourn::test
