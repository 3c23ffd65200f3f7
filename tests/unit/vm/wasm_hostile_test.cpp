#include <cstdlib>

#include <catch2/catch.hpp>

#include "tests/support/memory_limit.hpp"
#include "tests/support/module_builder.hpp"

using namespace sojourn;
using namespace sojourn::test;

namespace {

constexpr std::uint32_t kHuge = UINT32_MAX;
constexpr std::uint32_t kMany = 1'000'000;
const std::string kValid = "valid";

Raw repeated(const Raw& piece, std::size_t times) {
    Raw result;
    result.reserve(piece.size() * times);
    for (std::size_t i = 0; i < times; ++i)
        result.insert(result.end(), piece.begin(), piece.end());
    return result;
}

/// A count, then as many times the same.
Raw list(const Raw& element, std::size_t count) {
    return join({leb(count), repeated(element, count)});
}

Raw with_section(std::uint8_t id, const Raw& content) {
    return ModuleBuilder().section(id, content).raw();
}
Raw with_body(const Raw& body) {
    return ModuleBuilder::with_body(body).raw();
}
/// A body that begins with these local declarations.
Raw with_locals(const Raw& locals) {
    ModuleBuilder builder;
    builder.function_type({}, {}).section(3, {1, 0}).code({join({locals, {0x0b}})});
    return builder.raw();
}

/// A type of no parameters and no results, open to subtypes, below type `above`.
Raw subtype_of(std::uint32_t above) {
    return join({{0x50, 1}, leb(above), {0x60, 0, 0}});
}
const Raw kOpenType{0x50, 0, 0x60, 0, 0};

/// Each type, from the second one on, below the one in front of it; all of them one group if so.
Raw chain_of_types(std::uint32_t count, bool is_group) {
    Raw types = kOpenType;
    for (std::uint32_t above = 0; above + 1 < count; ++above) {
        const Raw type = subtype_of(above);
        types.insert(types.end(), type.begin(), type.end());
    }
    return is_group ? join({{1, 0x4e}, leb(count), types}) : join({leb(count), types});
}

/// A few structures of many fields, which refer to the lowest type of a long chain, each below the
/// one in front of it, whose fields refer to the highest.
Raw structures_of_chain(std::uint32_t structures, std::uint32_t fields, std::uint32_t chain) {
    const auto structure = [&](const Raw& above, std::uint32_t field) {
        return join({{0x50}, above, {0x5f}, list(join({{0x63}, signed_leb(field), {0}}), fields)});
    };
    Raw types = structure({0}, structures);
    for (std::uint32_t i = 1; i < structures; ++i)
        types = join({types, structure(join({{1}, leb(i - 1)}), structures + chain - 1)});
    types = join({types, kOpenType});
    for (std::uint32_t i = 1; i < chain; ++i) {
        const Raw type = subtype_of(structures + i - 1);
        types.insert(types.end(), type.begin(), type.end());
    }
    return join({{1, 0x4e}, leb(structures + chain), types});
}

struct Hostile {
    std::string what;
    Raw module;
    std::string answer;  ///< part of it
};

std::vector<Hostile> huge_counts() {
    std::vector<Hostile> modules;
    for (std::uint8_t id = 1; id <= 11; ++id) {
        if (id == 8) continue;  // the start section is one index
        modules.push_back({"2^32-1 elements in section " + std::to_string(id),
                           with_section(id, leb(kHuge)), "unexpected end"});
    }
    const Raw huge = leb(kHuge);
    const Raw recursive_group = join({{1, 0x4e}, huge});
    const Raw parameters = join({{1, 0x60}, huge});
    const Raw supertypes = join({{1, 0x50}, huge});
    const Raw name = join({{1}, huge});
    const Raw elements = join({{1, 1, 0}, huge});
    const Raw data = join({{1, 1}, huge});
    const Raw targets = join({{0x41, 0, 0x0e}, huge});
    const Raw clauses = join({{0x1f, 0x40}, huge});
    const Raw types = join({{0x1c}, huge});
    const std::vector<Hostile> more{
        {"tags", with_section(13, huge), "unexpected end"},
        {"types of a group", with_section(1, recursive_group), "unexpected end"},
        {"parameters", with_section(1, parameters), "unexpected end"},
        {"supertypes", with_section(1, supertypes), "unexpected end"},
        {"bytes of an import's name", with_section(2, name), "unexpected end"},
        {"bytes of an export's name", with_section(7, name), "unexpected end"},
        {"elements of a segment", with_section(9, elements), "unexpected end"},
        {"bytes of a segment", with_section(11, data), "unexpected end"},
        {"bytes of a section", join({ModuleBuilder().raw(), {1}, huge}), "length out of bounds"},
        {"branch targets", with_body(targets), "unexpected end"},
        {"clauses of a try", with_body(clauses), "malformed catch clause"},
        {"types of a select", with_body(types), "malformed value type"},
        {"runs of locals", with_locals(huge), "unexpected end"},
        {"locals", with_locals(join({{1}, huge, {kI64}})), "locals, at most 50000"},
        {"locals twice", with_locals(join({{2}, huge, {kI64}, huge, {kI64}})), "too many locals"},
        {"functions without a body",
         ModuleBuilder().function_type({}, {}).section(3, list({0}, kMany)).raw(),
         "inconsistent lengths"},
        {"pages", with_section(5, join({{1, 0}, huge})), "memory size must be at most 65536"},
    };
    modules.insert(modules.end(), more.begin(), more.end());
    return modules;
}

std::vector<Hostile> deep_and_many() {
    const Raw names = join({{0, 1}, leb(kHuge)});
    return {
        {"blocks, each in the one before",
         with_body(join({repeated({0x02, 0x40}, kMany), repeated({0x0b}, kMany)})), kValid},
        {"blocks that do not end", with_body(repeated({0x02, 0x40}, kMany)), "unexpected end"},
        {"ends without a block", with_body(repeated({0x0b}, kMany)), "section size mismatch"},
        {"ifs, each in the one before",
         with_body(join({repeated({0x41, 0, 0x04, 0x40}, kMany), repeated({0x0b}, kMany)})),
         kValid},
        {"tries with a clause, each in the one before",
         with_body(join({repeated({0x1f, 0x40, 1, 2, 0}, kMany), repeated({0x0b}, kMany)})),
         kValid},
        {"operands", with_body(repeated({0x41, 0}, kMany)), "more than 65000 slots"},
        {"types", with_section(1, list({0x60, 0, 0}, kMany + 1)), "more than 1000000 types"},
        {"types of a group", with_section(1, join({{1, 0x4e}, list({0x60, 0, 0}, kMany)})), kValid},
        {"groups without a type", with_section(1, list({0x4e, 0}, kMany)), kValid},
        {"supertypes", with_section(1, chain_of_types(kMany, false)),
         "below 64 others, at most 63"},
        {"supertypes in a group", with_section(1, chain_of_types(kMany, true)),
         "below 64 others, at most 63"},
        {"supertypes below fields", with_section(1, structures_of_chain(64, 5'000, 300'000)),
         "below 64 others, at most 63"},
        {"parameters", with_section(1, join({{1, 0x60}, list({kI32}, 1001), {0}})),
         "1001 parameters, at most 1000"},
        {"fields", with_section(1, join({{1, 0x5f}, list({kI32, 0}, 10'001)})), "at most 10000"},
        {"memories", with_section(5, list({0, 0}, 101)), "more than 100 memories"},
        {"tables", with_section(4, list({kFuncref, 0, 0}, 100'001)), "more than 100000 tables"},
        {"elements of a table", with_section(4, join({{1, kFuncref, 0}, leb(kHuge)})), kValid},
        {"elements", with_section(9, list({5, kFuncref, 0}, kMany)), kValid},
        {"constants of an element",
         with_section(6, join({{1, kI32, 0}, repeated({0x41, 0}, kMany), {0x0b}})),
         "constant expression"},
        {"custom sections", join({ModuleBuilder().raw(), repeated({0, 1, 0}, kMany)}), kValid},
        {"names that are not there",
         with_section(0, join({sized(text("name")), {1}, sized(leb(kHuge))})), kValid},
        {"bytes of names", with_section(0, join({sized(text("name")), names})), kValid},
    };
}

std::vector<Hostile> overlong_numbers() {
    const Raw zeros = repeated({0x80}, 10);
    return {
        {"a count of 6 bytes", with_section(1, join({repeated({0x80}, 5), {0}})),
         "integer representation too long"},
        {"a count of 33 bits", with_section(1, join({repeated({0xff}, 4), {0x1f}})),
         "integer too large"},
        {"an i32 of 6 bytes", with_body(join({{0x41}, repeated({0x80}, 5), {0, 0x1a}})),
         "integer representation too long"},
        {"an i64 of 11 bytes", with_body(join({{0x42}, zeros, {0, 0x1a}})),
         "integer representation too long"},
        {"a minimum of 11 bytes", with_section(5, join({{1, 4}, zeros, {0}})),
         "integer representation too long"},
    };
}

std::vector<Hostile> hostile_names() {
    const std::string screen = "\x1b[2J\n\r";
    const Raw global{6, 6, 1, kI32, 0, 0x41, 0, 0x0b};
    const auto exported_twice = [&](const std::string& name) {
        const Raw one = join({sized(text(name)), {3, 0}});
        return join({ModuleBuilder().raw(), global, {7}, sized(join({{2}, one, one}))});
    };
    return {
        {"an export of control characters", exported_twice(screen), "duplicate export name"},
        {"an export of a megabyte", exported_twice(std::string(kMany, 'x')),
         "duplicate export name"},
    };
}

std::string answer_to(const Raw& module) {
    const auto loaded = load(module);
    return loaded.ok() ? kValid : loaded.error().message;
}

/// For a person, and with the place.
bool is_clear_line(const std::string& answer) {
    constexpr std::size_t kLineBytesMax = 300;
    const bool is_printable = std::ranges::all_of(
        answer, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
    return is_printable && answer.size() <= kLineBytesMax &&
           answer.find("byte 0x") != std::string::npos;
}

Raw sample() {
    const auto bytes = read_file("samples/lines.wasm").value();
    Raw raw(bytes.size());
    std::memcpy(raw.data(), bytes.data(), raw.size());
    return raw;
}

/// Every place is tried by `./dev test --all`; else one in a prime number.
std::size_t step_between_places() {
    return std::getenv("SOJOURN_EVERY_PLACE") == nullptr ? 5 : 1;
}

void check(const std::vector<Hostile>& modules) {
    constexpr std::uint64_t kBytes = 64U << 20U;
    constexpr std::uint64_t kBytesPerByte = 200;
    for (const auto& [what, module, answer] : modules) {
        const auto said = tests::said_by_child([&module = module] {
            tests::limit_memory(kBytes + kBytesPerByte * module.size());
            return answer_to(module);
        });
        INFO(what << ", " << module.size() << " bytes");
        REQUIRE(said);
        CHECK_THAT(*said, Catch::Matchers::Contains(answer));
        CHECK((*said == kValid || is_clear_line(*said)));
    }
}

}  // namespace

TEST_CASE("a module that announces more than it has is refused before that takes memory",
          "[wasm][hostile]") {
    check(huge_counts());
}

TEST_CASE("a module of great depth or number takes memory by its size", "[wasm][hostile]") {
    check(deep_and_many());
}

TEST_CASE("a number that is longer than it may be is refused", "[wasm][hostile]") {
    check(overlong_numbers());
}

TEST_CASE("no name of a module breaks the line that refuses it", "[wasm][hostile]") {
    check(hostile_names());
}

TEST_CASE("a program that is cut off at any place is refused in a clear line", "[wasm][hostile]") {
    const Raw whole = sample();
    const std::size_t step = step_between_places();

    const auto said = tests::said_by_child([&] {
        tests::limit_memory(64U << 20U);
        for (std::size_t count = 0; count < whole.size(); count += step) {
            const auto rest = std::span(whole).first(count);
            const std::string answer = answer_to(Raw(rest.begin(), rest.end()));
            if (answer != kValid && !is_clear_line(answer)) return answer;
        }
        return std::string();
    });

    REQUIRE(said);
    REQUIRE(*said == "");
}

TEST_CASE("a program with a changed byte at any place is valid or refused in a clear line",
          "[wasm][hostile]") {
    const Raw whole = sample();
    const std::size_t step = step_between_places();

    const auto said = tests::said_by_child([&] {
        tests::limit_memory(64U << 20U);
        for (std::size_t place = 0; place < whole.size(); place += step) {
            Raw changed = whole;
            changed[place] ^= static_cast<std::uint8_t>(1U << place % 8);
            const std::string answer = answer_to(changed);
            if (answer != kValid && !is_clear_line(answer)) return answer;
        }
        return std::string();
    });

    REQUIRE(said);
    REQUIRE(*said == "");
}
