#include <catch2/catch.hpp>

#include "tests/support/module_builder.hpp"
#include "vm/wasm/internal/module_reader.hpp"

using namespace sojourn;
using namespace sojourn::test;
using Catch::Matchers::StartsWith;

namespace {

/// One of everything: a type, an import, a function with a body, a table, a memory, a global, an
/// export, a start, an element and a data segment, and names.
ModuleBuilder sample() {
    ModuleBuilder builder;
    builder.function_type({}, {});
    builder.section(2, join({{1}, sized(text("env")), sized(text("f")), {0, 0}}));
    builder.section(3, {1, 0});
    builder.section(4, {1, kFuncref, 0x01, 1, 2});
    builder.section(5, {1, 0x00, 1});
    builder.section(6, {1, kI64, 0x01, 0x42, 0x80, 0x01, 0x0b});
    builder.section(7, join({{1}, sized(text("main")), {0, 1}}));
    builder.section(8, {1});
    builder.section(9, {1, 0, 0x41, 0, 0x0b, 2, 0, 1});
    builder.section(12, {1});
    builder.code({{1, 3, kF64, 0x41, 0x05, 0x1a, 0x0b}});
    builder.section(11, join({{1, 0, 0x41, 8, 0x0b}, sized(text("data"))}));
    return builder;
}

ModuleBuilder with_names(const Raw& name_map) {
    ModuleBuilder builder = sample();
    builder.section(0, join({sized(text("name")), {1}, sized(name_map)}));
    return builder;
}

}  // namespace

TEST_CASE("every section of a module is decoded", "[wasm]") {
    const auto module = *load(sample());

    REQUIRE(module->imports.size() == 1);
    REQUIRE(module->imports[0].module == "env");
    REQUIRE(module->functions.size() == 2);
    REQUIRE(module->imported_functions == 1);
    REQUIRE(module->tables[0].limits.max == 2);
    REQUIRE(module->memories[0].limits.min == 1);
    REQUIRE(module->globals[0].type == vm::GlobalType{vm::ValueType::i64, true});
    REQUIRE(module->globals[0].initial.bits == 128);
    REQUIRE(module->find_export("main")->index == 1);
    REQUIRE(module->start == 1);
    REQUIRE(module->elements[0].elements.size() == 2);
    REQUIRE(module->data[0].offset.bits == 8);
    const auto data = Bytes(module->bytes).subspan(module->data[0].bytes_offset, 4);
    REQUIRE(as_text(data) == "data");
    REQUIRE(module->digest() == sha256_of(module->bytes));
}

TEST_CASE("a module cut off anywhere but between sections is malformed", "[wasm]") {
    const Raw whole = sample().raw();
    std::vector<std::size_t> boundaries = {8};
    while (boundaries.back() < whole.size()) {
        boundaries.push_back(boundaries.back() + 2 + whole[boundaries.back() + 1]);
    }
    REQUIRE(boundaries.back() == whole.size());

    for (std::size_t length = 0; length < whole.size(); ++length) {
        if (std::ranges::count(boundaries, length) != 0) continue;
        const auto result = load(Raw(whole.begin(), whole.begin() + static_cast<long>(length)));

        INFO("cut at byte " << length);
        REQUIRE(result.error().code == ErrorCode::malformed_module);
    }
}

TEST_CASE("what is no module is told by its first bytes", "[wasm]") {
    REQUIRE_THAT(load(Raw{}).error().message, StartsWith("unexpected end"));
    REQUIRE_THAT(load(Raw{0x7f, 0x45, 0x4c, 0x46, 1, 0, 0, 0}).error().message,
                 StartsWith("magic header not detected"));
    REQUIRE_THAT(load(Raw{0x00, 0x61, 0x73, 0x6d, 2, 0, 0, 0}).error().message,
                 StartsWith("unknown binary version"));
}

TEST_CASE("a LEB128 number has no more bits and bytes than its type", "[wasm]") {
    const auto read_u32 = [](Raw raw) {
        const ByteVector bytes = to_bytes(raw);
        vm::internal::ModuleReader reader(bytes);
        const std::uint32_t value = reader.u32();
        return reader.failed() ? reader.take_error().message : std::to_string(value);
    };
    const auto read_s32 = [](Raw raw) {
        const ByteVector bytes = to_bytes(raw);
        vm::internal::ModuleReader reader(bytes);
        const std::int32_t value = reader.s32();
        return reader.failed() ? reader.take_error().message : std::to_string(value);
    };

    REQUIRE(read_u32({0xff, 0xff, 0xff, 0xff, 0x0f}) == "4294967295");
    REQUIRE(read_u32({0x80, 0x80, 0x80, 0x80, 0x00}) == "0");
    REQUIRE_THAT(read_u32({0xff, 0xff, 0xff, 0xff, 0x1f}), StartsWith("integer too large"));
    REQUIRE_THAT(read_u32({0x80, 0x80, 0x80, 0x80, 0x80, 0x00}),
                 StartsWith("integer representation too long"));
    REQUIRE_THAT(read_u32({0x80}), StartsWith("unexpected end"));

    REQUIRE(read_s32({0x80, 0x80, 0x80, 0x80, 0x78}) == "-2147483648");
    REQUIRE(read_s32({0xff, 0xff, 0xff, 0xff, 0x07}) == "2147483647");
    REQUIRE(read_s32({0x7f}) == "-1");
    REQUIRE_THAT(read_s32({0xff, 0xff, 0xff, 0xff, 0x0f}), StartsWith("integer too large"));
    REQUIRE_THAT(read_s32({0x80, 0x80, 0x80, 0x80, 0x70}), StartsWith("integer too large"));
}

TEST_CASE("a signed LEB128 number of 64 bits reaches both ends", "[wasm]") {
    const ByteVector bytes = to_bytes({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f,
                                       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00});
    vm::internal::ModuleReader reader(bytes);

    REQUIRE(reader.s64() == INT64_MIN);
    REQUIRE(reader.s64() == INT64_MAX);
    REQUIRE_FALSE(reader.failed());
}

TEST_CASE("a reader that failed hands out zeros and keeps its first reason", "[wasm]") {
    const ByteVector bytes = to_bytes({0x80});
    vm::internal::ModuleReader reader(bytes);

    REQUIRE(reader.u32() == 0);
    reader.invalid("something else");

    REQUIRE(reader.u8() == 0);
    REQUIRE(reader.at_end());
    REQUIRE(reader.take_error().code == ErrorCode::malformed_module);
}

TEST_CASE("a count that cannot be there is refused before anything is allocated", "[wasm]") {
    for (const std::uint8_t id : Raw{1, 2, 3, 4, 5, 6, 7, 9, 11, 13}) {
        const auto result = load(ModuleBuilder().section(id, {0xff, 0xff, 0xff, 0xff, 0x0f}));

        INFO("section " << int{id});
        REQUIRE(result.error().code == ErrorCode::malformed_module);
        REQUIRE_THAT(result.error().message, StartsWith("unexpected end: 4294967295"));
    }
}

TEST_CASE("sections stand in their order, each once", "[wasm]") {
    const auto late = load(ModuleBuilder().section(3, {0}).section(1, {0}));
    const auto twice = load(ModuleBuilder().section(1, {0}).section(1, {0}));
    const auto unknown = load(ModuleBuilder().section(14, {}));
    const auto longer = load(ModuleBuilder().section(1, {0, 0}));

    REQUIRE_THAT(late.error().message, StartsWith("unexpected content after last section"));
    REQUIRE_THAT(twice.error().message, StartsWith("unexpected content after last section"));
    REQUIRE_THAT(unknown.error().message, StartsWith("malformed section id 14"));
    REQUIRE_THAT(longer.error().message, StartsWith("section size mismatch"));
}

TEST_CASE("functions and bodies are as many, data segments as announced", "[wasm]") {
    ModuleBuilder bodiless;
    bodiless.function_type({}, {}).section(3, {1, 0});

    REQUIRE_THAT(load(bodiless).error().message,
                 StartsWith("function and code section have inconsistent lengths"));
    REQUIRE_THAT(load(ModuleBuilder().section(12, {1})).error().message,
                 StartsWith("data count and data section have inconsistent lengths"));
}

TEST_CASE("a feature that this build lacks is refused by its name and place", "[wasm]") {
    const auto refusal = [](const ModuleBuilder& builder) {
        const auto result = load(builder);
        REQUIRE(result.error().code == ErrorCode::unsupported);
        return result.error().message;
    };
    using M = ModuleBuilder;

    REQUIRE(refusal(M::with_body({0xfe, 0x03})) ==
            "threads (atomic.fence), which this build does not have; build it for one thread, "
            "without -pthread and -matomics (function 0, byte 0x17)");
    REQUIRE_THAT(refusal(M::with_body({0xfe, 0x4e, 0x03, 0x00})),
                 StartsWith("threads (i64.atomic.rmw32.cmpxchg_u)"));
    REQUIRE_THAT(refusal(M::with_body({0xfb, 0x00, 0x00})),
                 StartsWith("garbage collection (struct.new), which this build does not have; "));
    REQUIRE_THAT(refusal(M::with_body({0xd3})), StartsWith("garbage collection (ref.eq)"));
    REQUIRE_THAT(refusal(M().section(5, {1, 0x03, 1, 1})),
                 StartsWith("threads (a shared memory), "));
    REQUIRE(load(M::with_body({0xfb, 0x1f})).error().code == ErrorCode::malformed_module);
    REQUIRE(load(M::with_body({0xfe, 0x0f})).error().code == ErrorCode::malformed_module);
}

TEST_CASE("a module has as many memories as the limit says", "[wasm]") {
    const auto with_memories = [](std::uint8_t count) {
        Raw section{count};
        for (unsigned i = 0; i < count; ++i)
            section = join({section, {0, 1}});
        return load(ModuleBuilder().section(5, section));
    };

    REQUIRE(with_memories(vm::kMemoriesMax).ok());
    REQUIRE_THAT(with_memories(vm::kMemoriesMax + 1).error().message,
                 StartsWith("more than 100 memories"));
}

TEST_CASE("a constant expression of several instructions is typed like a body", "[wasm]") {
    const auto global = [](const Raw& expression) {
        return load(ModuleBuilder().section(6, join({{1, kI32, 0}, expression, {0x0b}})));
    };

    REQUIRE(global({0x41, 1, 0x41, 2, 0x6a}).ok());
    REQUIRE_THAT(global({0x41, 1, 0x6a}).error().message,
                 StartsWith("type mismatch: i32.add wants two i32"));
    REQUIRE_THAT(global({0x41, 1, 0x42, 2, 0x6a}).error().message,
                 StartsWith("type mismatch: i32.add wants two i32"));
    REQUIRE_THAT(global({0x41, 1, 0x41, 2}).error().message, StartsWith("type mismatch"));
    REQUIRE_THAT(global({0x41, 1, 0x41, 2, 0x6d}).error().message,
                 StartsWith("constant expression required: i32.div_s"));
}

TEST_CASE("an opcode that belongs to no feature is malformed", "[wasm]") {
    const auto result = load(ModuleBuilder::with_body({0xff}));

    REQUIRE(result.error().code == ErrorCode::malformed_module);
    REQUIRE_THAT(result.error().message, StartsWith("illegal opcode 0xff"));
}

TEST_CASE("constant expressions have one constant of the right type", "[wasm]") {
    const auto refusal = [](const Raw& expression) {
        const auto result = load(
            ModuleBuilder().section(6, join({{2, kI32, 1, 0x41, 0, 0x0b, kI32, 0}, expression})));
        REQUIRE(result.error().code == ErrorCode::invalid_module);
        return result.error().message;
    };

    REQUIRE_THAT(refusal({0x0b}), StartsWith("type mismatch"));
    REQUIRE_THAT(refusal({0x42, 0, 0x0b}), StartsWith("type mismatch"));
    REQUIRE_THAT(refusal({0x41, 0, 0x41, 0, 0x0b}), StartsWith("type mismatch"));
    REQUIRE_THAT(refusal({0x01, 0x0b}), StartsWith("constant expression required: nop"));
    REQUIRE_THAT(refusal({0x23, 0, 0x0b}), StartsWith("constant expression required"));
    REQUIRE_THAT(refusal({0x23, 1, 0x0b}), StartsWith("unknown global 1"));
}

TEST_CASE("an export's name is there once", "[wasm]") {
    const Raw same = join({sized(text("f")), {0, 0}});
    ModuleBuilder builder;
    builder.function_type({}, {}).section(3, {1, 0}).section(7, join({{2}, same, same}));
    builder.code({{0, 0x0b}});

    REQUIRE_THAT(load(builder).error().message, StartsWith("duplicate export name \"f\""));
}

TEST_CASE("a function is called by the name section, else its export, else its number", "[wasm]") {
    const auto named = *load(with_names(join({{1, 1}, sized(text("the_start"))})));
    const auto exported = *load(sample());

    REQUIRE(named->function_name(1) == "the_start");
    REQUIRE(exported->function_name(1) == "main");
    REQUIRE(exported->function_name(0) == "func[0]");
}

TEST_CASE("what is wrong in a name section costs names alone", "[wasm]") {
    const Raw good = join({{0}, sized(text("zero"))});
    const Raw beyond = join({{9}, sized(text("nine"))});

    const auto cut_off = *load(with_names(join({{5}, good})));
    const auto unknown_function = *load(with_names(join({{2}, good, beyond})));
    const auto not_utf8 = *load(with_names(join({{2}, good, {1, 1, 0xff}})));
    const auto not_sorted = *load(with_names(join({{2}, good, good})));

    for (const auto& module : {cut_off, unknown_function, not_utf8, not_sorted}) {
        REQUIRE(module->function_names.size() == 1);
        REQUIRE(module->function_name(0) == "zero");
    }
}

TEST_CASE("the name of a custom section is UTF-8", "[wasm]") {
    REQUIRE(load(ModuleBuilder().section(0, {2, 0xc3, 0xa9, 1, 2, 3})).ok());
    REQUIRE_THAT(load(ModuleBuilder().section(0, {1, 0xff})).error().message,
                 StartsWith("malformed UTF-8 encoding"));
}

TEST_CASE("UTF-8 has shortest forms and no surrogates", "[wasm]") {
    using vm::internal::is_utf8;

    REQUIRE(is_utf8(""));
    REQUIRE(
        is_utf8("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
    REQUIRE_FALSE(is_utf8("\x80"));
    REQUIRE_FALSE(is_utf8("\xc1\xbf"));
    REQUIRE_FALSE(is_utf8("\xe0\x9f\xbf"));
    REQUIRE_FALSE(is_utf8("\xed\xa0\x80"));
    REQUIRE_FALSE(is_utf8("\xf0\x8f\xbf\xbf"));
    REQUIRE_FALSE(is_utf8("\xf4\x90\x80\x80"));
    REQUIRE_FALSE(is_utf8("\xe2\x82"));
    REQUIRE_FALSE(is_utf8("\xe2\x82g"));
}
