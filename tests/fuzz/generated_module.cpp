#include "tests/fuzz/generated_module.hpp"

#include <algorithm>

#include "tests/fuzz/body_generator.hpp"

namespace sojourn::fuzz {

using namespace vm;
using test::join;
using test::leb;
using test::ModuleBuilder;
using test::Raw;
using test::sized;
using test::text;

namespace {

constexpr std::size_t kFunctionsMax = 5;
constexpr std::size_t kCallsOfFunction = 2;
constexpr std::int32_t kFuel = 100;

constexpr std::size_t kHeadBytes = 96;  ///< of the choices: the shape's; the rest are the bodies'

/// Reads what a call left behind, as numbers: the body of a function of no parameters.
class Reading {
public:
    explicit Reading(Code& code) : code_(code) {}

    /// Adds a value as one or two i64. `get` puts it on the stack.
    template <typename Get>
    void value(ValueType type, const Get& get) {
        get();
        switch (type) {
            case ValueType::i32:
                return add_widened();
            case ValueType::i64:
                return count(1);
            case ValueType::f32:
                code_.op(Opcode::i32_reinterpret_f32);
                return add_widened();
            case ValueType::f64:
                code_.op(Opcode::i64_reinterpret_f64);
                return count(1);
            case ValueType::v128:
                code_.op(Opcode::i64x2_extract_lane, 0);
                get();
                code_.op(Opcode::i64x2_extract_lane, 1);
                return count(2);
            default:
                code_.op(Opcode::ref_is_null);
                return add_widened();
        }
    }

    void table(std::uint32_t table) {
        code_.op(Opcode::table_size, table);
        add_widened();
        for (std::int32_t i = 0; i < static_cast<std::int32_t>(kTableSize); ++i) {
            code_.i32(i);
            code_.op(Opcode::table_get, table);
            code_.op(Opcode::ref_is_null);
            add_widened();
        }
    }

    /// Its size, and a sum of its busy part in which each word and its place count. The locals: an
    /// address of the memory's type, an i64.
    void memory(std::uint32_t memory, ValueType address, std::uint32_t at, std::uint32_t sum) {
        constexpr std::uint8_t kEmptyBlock = 0x40;
        const bool is_wide = address == ValueType::i64;
        code_.op(Opcode::memory_size, memory);
        if (!is_wide) code_.op(Opcode::i64_extend_i32_u);
        count(1);
        code_.op(Opcode::loop, kEmptyBlock);
        code_.op(Opcode::local_get, sum);
        code_.constant(ValueType::i64, 0x100'0000'01b3);
        code_.op(Opcode::i64_mul);
        code_.op(Opcode::local_get, at);
        code_.op(Opcode::i64_load);
        code_.add(memory == 0 ? Raw{3, 0} : join({{3 | 0x40}, leb(memory), {0}}));
        code_.op(Opcode::i64_xor);
        code_.op(Opcode::local_set, sum);
        code_.op(Opcode::local_get, at);
        code_.constant(address, sizeof(std::uint64_t));
        code_.op(is_wide ? Opcode::i64_add : Opcode::i32_add);
        code_.op(Opcode::local_tee, at);
        code_.constant(address, kBusyBytes);
        code_.op(is_wide ? Opcode::i64_lt_u : Opcode::i32_lt_u);
        code_.op(Opcode::br_if, 0);
        code_.op(Opcode::end);
        code_.op(Opcode::local_get, sum);
        count(1);
    }

    /// Of the function whose body this is.
    [[nodiscard]] FunctionType type() const {
        return {{}, std::vector<ValueType>(numbers_, ValueType::i64)};
    }

private:
    void add_widened() {
        code_.op(Opcode::i64_extend_i32_u);
        count(1);
    }
    void count(std::size_t numbers) { numbers_ += numbers; }

    Code& code_;
    std::size_t numbers_ = 0;
};

class ModuleGenerator {
public:
    ModuleGenerator(Bytes choices, const Dialect& dialect)
        : dialect_(dialect),
          head_(choices.first(std::min(choices.size(), kHeadBytes))),
          rest_(choices.subspan(std::min(choices.size(), kHeadBytes))) {}

    ByteVector generate() {
        choose_shape();
        const std::size_t count = shape_.functions.size();
        for (std::uint32_t i = 0; i < count; ++i) {
            const Bytes share = rest_.subspan(rest_.size() / count * i, rest_.size() / count);
            bodies_.push_back(BodyGenerator(shape_, dialect_, share).generate(i));
        }
        for (std::uint32_t i = 0; i < count; ++i) {
            for (std::size_t k = 0; k < kCallsOfFunction; ++k)
                add_caller(i);
        }
        add_reader();
        return assemble();
    }

private:
    std::vector<ValueType> some_types(std::size_t count_max) {
        std::vector<ValueType> types(choose(head_, count_max + 1));
        std::ranges::generate(types, [&] { return choose_of(head_, dialect_.value_types()); });
        return types;
    }

    void choose_shape() {
        constexpr std::size_t kTypes = 6;
        constexpr std::size_t kGlobalsOfType = 2;
        for (std::size_t i = 0; i < kTypes; ++i)
            shape_.types.push_back({some_types(3), some_types(2)});
        shape_.plain_types = kTypes;
        for (std::size_t i = 1 + choose(head_, kFunctionsMax); i > 0; --i)
            shape_.functions.push_back(choose(head_, kTypes));
        shape_.tags.push_back(shape_.add_type({}));
        for (const std::size_t type : {0U, 1U})
            shape_.tags.push_back(shape_.add_type({shape_.types[type].parameters, {}}));
        shape_.globals = {ValueType::i32, ValueType::i64};
        for (const ValueType type : dialect_.value_types())
            shape_.globals.insert(shape_.globals.end(), kGlobalsOfType, type);
        shape_.tables = {ValueType::funcref, ValueType::funcref, ValueType::externref};
        shape_.elements = {ValueType::funcref, ValueType::funcref, ValueType::externref};
        const std::size_t memories = dialect_.has_several_memories ? 1 + choose(head_, 2) : 1;
        for (std::size_t i = 0; i < memories; ++i) {
            const bool is_wide = dialect_.has_memory64 && choose(head_, 3) == 2;
            shape_.memories.push_back(is_wide ? ValueType::i64 : ValueType::i32);
        }
    }

    /// A function that calls another one with fresh fuel and constants.
    void add_caller(std::uint32_t function) {
        const FunctionType& type = shape_.type_of_function(function);
        Code code;
        code.add(leb(type.results.size()));
        for (const ValueType result : type.results)
            code.add(join({{1}, encoded(result)}));
        code.i32(kFuel);
        code.op(Opcode::global_set, kFuelGlobal);
        for (const ValueType parameter : type.parameters)
            add_chosen_constant(code, head_, shape_, parameter);
        code.op(Opcode::call, function);
        for (std::size_t i = type.results.size(); i-- > 0;)
            code.op(Opcode::local_set, i);
        Reading reading(code);
        for (std::size_t i = 0; i < type.results.size(); ++i)
            reading.value(type.results[i], [&] { code.op(Opcode::local_get, i); });
        finish(std::move(code), reading);
    }

    /// The function that says what state the module is in.
    void add_reader() {
        const std::size_t memories = shape_.memories.size();
        Code code;
        code.add(leb(2 * memories));
        for (const ValueType address : shape_.memories)
            code.add(join({{1}, encoded(address), {1}, encoded(ValueType::i64)}));
        Reading reading(code);
        for (std::uint32_t i = 0; i < shape_.globals.size(); ++i)
            reading.value(shape_.globals[i], [&] { code.op(Opcode::global_get, i); });
        for (std::uint32_t i = 0; i < shape_.tables.size(); ++i)
            reading.table(i);
        for (std::uint32_t i = 0; i < memories; ++i)
            reading.memory(i, shape_.memories[i], 2 * i, 2 * i + 1);
        finish(std::move(code), reading);
    }

    void finish(Code code, const Reading& reading) {
        code.op(Opcode::end);
        bodies_.push_back(code.bytes());
        exported_.push_back(shape_.add_type(reading.type()));
    }

    ByteVector assemble() {
        return test::to_bytes(ModuleBuilder()
                                  .section(1, types())
                                  .section(3, functions())
                                  .section(4, tables())
                                  .section(5, memories())
                                  .section(13, tags())
                                  .section(6, globals())
                                  .section(7, exports())
                                  .section(9, elements())
                                  .section(12, {2})
                                  .section(10, code())
                                  .section(11, data())
                                  .raw());
    }

    [[nodiscard]] Raw types() const {
        constexpr std::uint8_t kFunction = 0x60;
        Raw raw = leb(shape_.types.size());
        for (const FunctionType& type : shape_.types)
            raw = join({raw, {kFunction}, encoded(type.parameters), encoded(type.results)});
        return raw;
    }

    [[nodiscard]] Raw functions() const {
        Raw raw = leb(shape_.functions.size() + exported_.size());
        for (const auto* list : {&shape_.functions, &exported_}) {
            for (const std::uint32_t type : *list)
                raw = join({raw, leb(type)});
        }
        return raw;
    }

    [[nodiscard]] Raw tables() const {
        Raw raw = leb(shape_.tables.size());
        for (const ValueType element : shape_.tables)
            raw = join({raw, encoded(element), {1}, leb(kTableSize), leb(kTableSize + 4)});
        return raw;
    }

    [[nodiscard]] Raw memories() const {
        constexpr std::uint8_t kHasMaximum = 1;
        constexpr std::uint8_t kIsWide = 4;
        Raw raw = leb(shape_.memories.size());
        for (const ValueType address : shape_.memories) {
            const bool is_wide = address == ValueType::i64;
            raw = join(
                {raw, {static_cast<std::uint8_t>(kHasMaximum | (is_wide ? kIsWide : 0)), 1, 3}});
        }
        return raw;
    }

    [[nodiscard]] Raw tags() const {
        Raw raw = leb(shape_.tags.size());
        for (const std::uint32_t type : shape_.tags)
            raw = join({raw, {0}, leb(type)});
        return raw;
    }

    [[nodiscard]] Raw globals() const {
        Raw raw = leb(shape_.globals.size());
        for (const ValueType type : shape_.globals) {
            Code initial;
            if (type == ValueType::v128) {
                initial.constant(V128{{7, 9}});
            } else {
                initial.constant(type, 0);
            }
            initial.op(Opcode::end);
            raw = join({raw, encoded(type), {1}, initial.bytes()});
        }
        return raw;
    }

    [[nodiscard]] Raw exports() const {
        Raw raw = leb(exported_.size());
        for (std::size_t i = 0; i < exported_.size(); ++i) {
            const Raw name = sized(text(std::to_string(i)));
            raw = join({raw, name, {0}, leb(shape_.functions.size() + i)});
        }
        return raw;
    }

    /// The functions into the first table and once more for table.init, and nulls.
    [[nodiscard]] Raw elements() const {
        Raw all = leb(shape_.functions.size());
        for (std::uint32_t i = 0; i < shape_.functions.size(); ++i)
            all = join({all, leb(i)});
        const Raw null{0xd0, 0x6f, 0x0b};
        return join({{3, 0, 0x41, 0, 0x0b}, all, {1, 0}, all, {5, 0x6f, 3}, null, null, null});
    }

    [[nodiscard]] Raw code() const {
        Raw raw = leb(bodies_.size());
        for (const Raw& body : bodies_)
            raw = join({raw, sized(body)});
        return raw;
    }

    [[nodiscard]] Raw data() const {
        Raw bytes(kDataBytes);
        for (std::size_t i = 0; i < bytes.size(); ++i)
            bytes[i] = static_cast<std::uint8_t>(i * 37 + 1);
        Code offset;
        offset.constant(shape_.memories.front(), 0);
        offset.op(Opcode::end);
        return join({{2, 0}, offset.bytes(), sized(bytes), {1}, sized(bytes)});
    }

    const Dialect& dialect_;
    Input head_;
    Bytes rest_;
    ModuleShape shape_;
    std::vector<Raw> bodies_;
    std::vector<std::uint32_t> exported_;  ///< the types of the functions behind those of the shape
};

}  // namespace

ByteVector generated_module(Bytes choices, const Dialect& dialect) {
    return ModuleGenerator(choices, dialect).generate();
}

}  // namespace sojourn::fuzz
