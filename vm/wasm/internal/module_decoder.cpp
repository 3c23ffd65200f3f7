#include "vm/wasm/internal/module_decoder.hpp"

#include <algorithm>

#include "base/printable.hpp"
#include "vm/wasm/internal/body_validator.hpp"

/// The header, the order of sections, and the sections that are plain lists.
namespace sojourn::vm {

Result<std::shared_ptr<const Module>> load_module(ByteVector bytes,
                                                  BodyValidation body_validation) {
    if (bytes.size() > UINT32_MAX) {
        return fail(ErrorCode::unsupported, "a module of {} bytes, at most 4 GiB", bytes.size());
    }
    return internal::ModuleDecoder(std::move(bytes), body_validation).decode();
}

Result<Function> validated_function(const Module& module, std::uint32_t index) {
    Function function = module.functions[index];
    if (module.body_validation == BodyValidation::whole) return function;
    internal::ModuleReader reader(module.bytes, &module.first_same_type);
    reader.bytes(function.body_offset);
    static_cast<void>(reader.enter(function.end_offset - function.body_offset));
    reader.enter_function(index);
    internal::BodyValidator(module, reader).validate(function);
    if (reader.failed()) return reader.take_error();
    return function;
}

namespace internal {

namespace {

/// The section ids of specification 5.5.2.
enum SectionId : std::uint8_t {
    kCustom,
    kType,
    kImport,
    kFunction,
    kTable,
    kMemory,
    kGlobal,
    kExport,
    kStart,
    kElement,
    kCode,
    kData,
    kDataCount,
    kTag,
};

constexpr std::string_view kSectionNames[] = {
    "custom", "type",  "import",  "function", "table", "memory",     "global",
    "export", "start", "element", "code",     "data",  "data count", "tag"};

/// Where a section stands among the others; 0 for an id that is none.
int rank_of_section(std::uint8_t id) {
    constexpr SectionId kOrder[] = {kType,   kImport, kFunction, kTable,     kMemory, kTag, kGlobal,
                                    kExport, kStart,  kElement,  kDataCount, kCode,   kData};
    const auto* found = std::ranges::find(kOrder, id);
    return found == std::end(kOrder) ? 0 : static_cast<int>(found - kOrder) + 1;
}

std::shared_ptr<Module> module_of_bytes(ByteVector bytes) {
    auto module = std::make_shared<Module>();
    module->bytes = std::move(bytes);
    return module;
}

}  // namespace

ModuleDecoder::ModuleDecoder(ByteVector bytes, BodyValidation body_validation)
    : module_(module_of_bytes(std::move(bytes))),
      reader_(module_->bytes, &module_->first_same_type) {
    module_->body_validation = body_validation;
}

Result<std::shared_ptr<const Module>> ModuleDecoder::decode() {
    header();
    while (!reader_.failed() && !reader_.at_end())
        section();
    if (!reader_.failed()) check_whole();
    if (reader_.failed()) return reader_.take_error();
    module_->function_names = read_function_names(name_section_, module_->functions.size());
    return std::shared_ptr<const Module>(std::move(module_));
}

void ModuleDecoder::header() {
    constexpr std::uint32_t kMagic = 0x6d73'6100;  // "\0asm"
    constexpr std::uint32_t kVersion = 1;
    const std::uint32_t magic = reader_.fixed_u32();
    if (!reader_.failed() && magic != kMagic) reader_.malformed("magic header not detected");
    const std::uint32_t version = reader_.fixed_u32();
    if (!reader_.failed() && version != kVersion) {
        reader_.malformed("unknown binary version 0x{:x}", version);
    }
}

void ModuleDecoder::section() {
    const std::uint8_t id = reader_.u8();
    const std::uint32_t byte_count = reader_.u32();
    if (byte_count > reader_.left()) {
        reader_.malformed("length out of bounds: section {} of {} bytes, {} are left", id,
                          byte_count, reader_.left());
        return;
    }
    const auto* outer_end = reader_.enter(byte_count);
    if (id != kCustom) check_order(id);
    if (reader_.failed()) return;
    module_->sections.push_back(
        {std::string(kSectionNames[id]), false, reader_.offset(), byte_count});
    section_content(id);
    if (!reader_.failed() && !reader_.at_end()) {
        reader_.malformed("section size mismatch: {} bytes follow section {}", reader_.left(), id);
    }
    reader_.leave(outer_end);
}

void ModuleDecoder::check_order(std::uint8_t id) {
    const int rank = rank_of_section(id);
    if (rank == 0) {
        return reader_.malformed("malformed section id {}", id);
    }
    if (rank <= last_section_rank_) {
        reader_.malformed("unexpected content after last section: section {} stands too late", id);
    }
    last_section_rank_ = rank;
}

void ModuleDecoder::section_content(std::uint8_t id) {
    switch (id) {
        case kCustom:
            return custom_section();
        case kType:
            return type_section();
        case kImport:
            return import_section();
        case kFunction:
            return function_section();
        case kTable:
            return table_section();
        case kMemory:
            return memory_section();
        case kGlobal:
            return global_section();
        case kTag:
            return tag_section();
        case kExport:
            return export_section();
        case kStart:
            return start_section();
        case kElement:
            return element_section();
        case kDataCount:
            return data_count_section();
        case kCode:
            return code_section();
        case kData:
            return data_section();
        default:
            INVARIANT(false, "check_order() knows the ids");
    }
}

void ModuleDecoder::check_whole() {
    const auto defined = module_->functions.size() - module_->imported_functions;
    if (bodies_ != defined) {
        reader_.malformed("function and code section have inconsistent lengths: {} and {}", defined,
                          bodies_);
    }
    if (module_->data_count && *module_->data_count != module_->data.size()) {
        reader_.malformed("data count and data section have inconsistent lengths: {} and {}",
                          *module_->data_count, module_->data.size());
    }
}

void ModuleDecoder::custom_section() {
    const std::string_view name = reader_.name();
    const Bytes content = reader_.bytes(reader_.left());
    module_->sections.back().name = name;
    module_->sections.back().is_custom = true;
    if (name == "name") name_section_ = content;
}

void ModuleDecoder::import_section() {
    const std::uint32_t count = reader_.count("imports");
    for (std::uint32_t i = 0; i < count && !reader_.failed(); ++i) {
        Import import;
        import.module = reader_.name();
        import.name = reader_.name();
        import.kind = extern_kind("import");
        if (!reader_.failed()) import_one(import);
        module_->imports.push_back(std::move(import));
    }
    module_->declared_functions.resize(module_->functions.size());
}

void ModuleDecoder::import_one(Import& import) {
    switch (import.kind) {
        case ExternKind::function:
            import.index = module_->imported_functions++;
            module_->functions.push_back({.type_index = function_type_index()});
            break;
        case ExternKind::table:
            import.index = module_->imported_tables++;
            add_table(reader_.table_type());
            break;
        case ExternKind::memory:
            import.index = module_->imported_memories++;
            add_memory(reader_.memory_type());
            break;
        case ExternKind::global:
            import.index = module_->imported_globals++;
            module_->globals.push_back({.type = reader_.global_type()});
            break;
        case ExternKind::tag:
            import.index = module_->imported_tags++;
            add_tag();
            break;
    }
}

void ModuleDecoder::add_tag() {
    if (module_->tags.size() == kTagsMax) return reader_.unsupported("more than {} tags", kTagsMax);
    const std::uint8_t attribute = reader_.u8();
    if (attribute != 0) return reader_.malformed("malformed tag attribute 0x{:02x}", attribute);
    const std::uint32_t type_index = function_type_index();
    if (reader_.failed()) return;
    if (!module_->function_type(type_index).results.empty()) {
        reader_.invalid("non-empty tag result type: type {}", type_index);
    }
    module_->tags.push_back({type_index});
}

void ModuleDecoder::add_table(TableType table) {
    if (module_->tables.size() == kTablesMax) {
        return reader_.unsupported("more than {} tables", kTablesMax);
    }
    module_->tables.push_back(table);
    module_->table_initials.emplace_back();
}

void ModuleDecoder::add_memory(MemoryType memory) {
    if (module_->memories.size() == kMemoriesMax) {
        return reader_.unsupported("more than {} memories", kMemoriesMax);
    }
    module_->memories.push_back(memory);
}

void ModuleDecoder::function_section() {
    const std::uint32_t count = reader_.count("functions");
    if (count > kFunctionsMax) {
        reader_.unsupported("{} functions, at most {}", count, kFunctionsMax);
    }
    for (std::uint32_t i = 0; i < count && !reader_.failed(); ++i) {
        module_->functions.push_back({.type_index = function_type_index()});
    }
    module_->declared_functions.resize(module_->functions.size());
}

void ModuleDecoder::table_section() {
    const std::uint32_t count = reader_.count("tables");
    for (std::uint32_t i = 0; i < count && !reader_.failed(); ++i)
        table_definition();
}

void ModuleDecoder::table_definition() {
    constexpr std::uint8_t kInitialValueFollows = 0x40;
    const bool has_initial = reader_.peek() == kInitialValueFollows;
    if (has_initial) {
        reader_.u8();
        if (reader_.u8() != 0) return reader_.malformed("malformed table");
    }
    const TableType table = reader_.table_type();
    std::optional<ConstantExpression> initial;
    if (has_initial) {
        initial = constant_expression(table.element);
    } else if (!is_defaultable(table.element)) {
        reader_.invalid("type mismatch: a table of {} has no initial value",
                        text_of(table.element));
    }
    add_table(table);
    module_->table_initials.back() = initial;
}

void ModuleDecoder::memory_section() {
    const std::uint32_t count = reader_.count("memories");
    for (std::uint32_t i = 0; i < count && !reader_.failed(); ++i) {
        add_memory(reader_.memory_type());
    }
}

void ModuleDecoder::tag_section() {
    const std::uint32_t count = reader_.count("tags");
    for (std::uint32_t i = 0; i < count && !reader_.failed(); ++i)
        add_tag();
}

void ModuleDecoder::global_section() {
    const std::uint32_t count = reader_.count("globals");
    for (std::uint32_t i = 0; i < count && !reader_.failed(); ++i) {
        Global global{.type = reader_.global_type()};
        global.initial = constant_expression(global.type.type);
        module_->globals.push_back(global);
    }
}

void ModuleDecoder::export_section() {
    const std::uint32_t count = reader_.count("exports");
    for (std::uint32_t i = 0; i < count && !reader_.failed(); ++i) {
        Export exported;
        exported.name = reader_.name();
        exported.kind = extern_kind("export");
        exported.index = reader_.u32();
        if (reader_.failed()) return;
        switch (exported.kind) {
            case ExternKind::function:
                declare(exported.index);
                break;
            case ExternKind::table:
                check_index(exported.index, module_->tables.size(), "table");
                break;
            case ExternKind::memory:
                check_index(exported.index, module_->memories.size(), "memory");
                break;
            case ExternKind::global:
                check_index(exported.index, module_->globals.size(), "global");
                break;
            case ExternKind::tag:
                check_index(exported.index, module_->tags.size(), "tag");
                break;
        }
        module_->exports.push_back(std::move(exported));
    }
    check_export_names();
}

void ModuleDecoder::check_export_names() {
    std::vector<std::string_view> names;
    for (const Export& exported : module_->exports)
        names.push_back(exported.name);
    std::ranges::sort(names);
    const auto twice = std::ranges::adjacent_find(names);
    if (twice != names.end()) {
        reader_.invalid("duplicate export name \"{}\"", printable_excerpt(*twice));
    }
}

void ModuleDecoder::start_section() {
    const std::uint32_t index = reader_.u32();
    if (!check_index(index, module_->functions.size(), "function")) return;
    if (module_->type_of_function(index) != FunctionType{}) {
        reader_.invalid("start function {} has parameters or results", index);
    }
    module_->start = index;
}

void ModuleDecoder::data_count_section() {
    module_->data_count = reader_.u32();
}

void ModuleDecoder::code_section() {
    const std::uint32_t count = reader_.count("bodies");
    const auto defined = module_->functions.size() - module_->imported_functions;
    if (count != defined && !reader_.failed()) {
        return reader_.malformed("function and code section have inconsistent lengths: {} and {}",
                                 defined, count);
    }
    for (; bodies_ < count && !reader_.failed(); ++bodies_)
        body(module_->imported_functions + bodies_);
}

void ModuleDecoder::body(std::uint32_t function_index) {
    Function& function = module_->functions[function_index];
    const std::uint32_t byte_count = reader_.u32();
    if (byte_count > reader_.left()) return reader_.malformed("unexpected end");
    if (byte_count > kFunctionBytesMax) {
        return reader_.unsupported("function {} of {} bytes, at most {}", function_index,
                                   byte_count, kFunctionBytesMax);
    }
    if (module_->body_validation == BodyValidation::lazy) {
        function.body_offset = reader_.offset();
        reader_.bytes(byte_count);
        function.end_offset = reader_.offset();
        return;
    }
    const auto* outer_end = reader_.enter(byte_count);
    reader_.enter_function(function_index);
    body_validator_.validate(function);
    reader_.enter_function(std::nullopt);
    reader_.leave(outer_end);
}

std::uint32_t ModuleDecoder::function_type_index() {
    const std::uint32_t index = reader_.u32();
    if (!check_index(index, module_->types.size(), "type")) return 0;
    if (module_->types[index].kind != DefinedType::Kind::function) {
        reader_.invalid("type mismatch: type {} is not a function's", index);
    }
    return index;
}

void ModuleDecoder::declare(std::uint32_t function_index) {
    if (!check_index(function_index, module_->functions.size(), "function")) return;
    module_->declared_functions[function_index] = true;
}

bool ModuleDecoder::check_index(std::uint32_t index, std::size_t count, std::string_view of_what) {
    if (reader_.failed()) return false;
    if (index < count) return true;
    reader_.invalid("unknown {} {}", of_what, index);
    return false;
}

ExternKind ModuleDecoder::extern_kind(std::string_view of_what) {
    const std::uint8_t kind = reader_.u8();
    if (kind > static_cast<std::uint8_t>(ExternKind::tag)) {
        reader_.malformed("malformed {} kind 0x{:02x}", of_what, kind);
    }
    return static_cast<ExternKind>(reader_.failed() ? 0 : kind);
}

}  // namespace internal
}  // namespace sojourn::vm
