#include "vm/exec/code_space.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <dlfcn.h>
#include <elf.h>
#include <functional>
#include <optional>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace sojourn::vm {

namespace {

#if defined(__x86_64__)
constexpr std::uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr std::uint16_t kMachine = EM_AARCH64;
#else
constexpr std::uint16_t kMachine = EM_NONE;
#endif

constexpr std::uint64_t kObjectBytesMax = std::uint64_t{1} << 30U;
constexpr std::uint64_t kAlignmentMax = 4096;

/// `jmp *0(%rip)`, and behind it where to.
constexpr std::array<std::uint8_t, 6> kFarJump{0xff, 0x25, 0, 0, 0, 0};
constexpr std::uint64_t kFarJumpBytes = 16;

Error damaged(const char* what) {
    return fail(ErrorCode::corrupt, "compiled code is not what it should be: {}", what);
}

std::uint64_t aligned(std::uint64_t offset, std::uint64_t alignment) {
    return (offset + alignment - 1) & ~(alignment - 1);
}

std::uint64_t address_of(const void* place) {
    return reinterpret_cast<std::uintptr_t>(place);
}

/// The parts of an object, which nobody vouches for.
class Object {
public:
    static Result<Object> read(Bytes bytes);

    [[nodiscard]] const std::vector<Elf64_Shdr>& sections() const { return sections_; }
    [[nodiscard]] const std::vector<Elf64_Sym>& symbols() const { return symbols_; }
    /// Requires: it is not a section without bytes.
    Result<Bytes> bytes_of(const Elf64_Shdr& section) const {
        return part(section.sh_offset, section.sh_size);
    }
    Result<std::string> name_at(std::uint64_t section, std::uint64_t offset) const;

    template <typename Entry>
    Result<std::vector<Entry>> entries_of(const Elf64_Shdr& section) const {
        const Bytes raw = TRY(bytes_of(section));
        return entries<Entry>(raw);
    }
    Result<std::string> name_of(const Elf64_Sym& symbol) const {
        return name_at(names_, symbol.st_name);
    }

private:
    explicit Object(Bytes bytes) : bytes_(bytes) {}
    Result<Bytes> part(std::uint64_t offset, std::uint64_t size) const {
        if (offset > bytes_.size() || size > bytes_.size() - offset)
            return damaged("a section lies behind its end");
        return bytes_.subspan(offset, size);
    }
    template <typename Entry>
    static std::vector<Entry> entries(Bytes raw) {
        std::vector<Entry> result(raw.size() / sizeof(Entry));
        if (!result.empty()) std::memcpy(result.data(), raw.data(), result.size() * sizeof(Entry));
        return result;
    }
    Result<void> read_symbols();

    Bytes bytes_;
    std::vector<Elf64_Shdr> sections_;
    std::vector<Elf64_Sym> symbols_;
    std::uint64_t names_ = 0;  ///< section
};

Result<Object> Object::read(Bytes bytes) {
    Object object(bytes);
    const Bytes raw = TRY(object.part(0, sizeof(Elf64_Ehdr)));
    Elf64_Ehdr header{};
    std::memcpy(&header, raw.data(), sizeof header);
    const bool is_object = std::equal(ELFMAG, ELFMAG + SELFMAG, header.e_ident) &&
                           header.e_ident[EI_CLASS] == ELFCLASS64 &&
                           header.e_ident[EI_DATA] == ELFDATA2LSB && header.e_type == ET_REL &&
                           header.e_shentsize == sizeof(Elf64_Shdr);
    if (!is_object) return damaged("it is no object");
    if (header.e_machine != kMachine)
        return fail(ErrorCode::unsupported, "compiled code is for another kind of processor");
    object.sections_ = entries<Elf64_Shdr>(
        TRY(object.part(header.e_shoff, std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr))));
    TRY(object.read_symbols());
    return object;
}

Result<void> Object::read_symbols() {
    for (const Elf64_Shdr& section : sections_) {
        if (section.sh_type != SHT_SYMTAB) continue;
        symbols_ = TRY(entries_of<Elf64_Sym>(section));
        names_ = section.sh_link;
    }
    return {};
}

Result<std::string> Object::name_at(std::uint64_t section, std::uint64_t offset) const {
    if (section >= sections_.size()) return damaged("a table of names is missing");
    const std::string_view names = as_text(TRY(bytes_of(sections_[section])));
    if (offset >= names.size()) return damaged("a name lies behind the names");
    const std::string_view rest = names.substr(offset);
    return std::string(rest.substr(0, rest.find('\0')));
}

/// One object on its way to memory: first it is known how much room it takes.
class Loading {
public:
    Loading(const Object& object, bool has_unwind_tables)
        : object_(object), has_unwind_tables_(has_unwind_tables) {}

    Result<void> lay_out();
    [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
    /// Puts it where it will stay. Requires: as many bytes as it takes, all zero.
    Result<void> put(MutableBytes memory);
    Result<CodeSpace::Symbols> functions() const;
    /// Where its sections lie, by number.
    [[nodiscard]] std::map<std::size_t, std::uint64_t> section_addresses() const;

private:
    /// What the object takes from this host process: behind its sections.
    struct Import {
        std::uint64_t address;
        std::uint64_t jump;  ///< offset of code that goes there; the address lies in it
    };

    [[nodiscard]] bool is_loaded(const Elf64_Shdr& section) const {
        return (section.sh_flags & SHF_ALLOC) != 0 && section.sh_size > 0;
    }
    /// Those of sections that are loaded, with the section's number.
    using Visit = std::function<Result<void>(const Elf64_Rela& relocation, std::uint64_t section)>;
    Result<void> for_each_relocation(const Visit& visit) const;
    Result<void> add_import(const Elf64_Rela& relocation);
    Result<void> relocate(const Elf64_Rela& relocation, std::uint64_t section);
    /// From the object's beginning on.
    Result<std::uint64_t> offset_of(const Elf64_Sym& symbol) const;

    const Object& object_;
    const bool has_unwind_tables_;
    std::vector<std::optional<std::uint64_t>> offsets_;  ///< by section; nullopt: left out
    std::map<std::uint32_t, Import> imports_;            ///< by symbol
    std::uint64_t size_bytes_ = 0;
    MutableBytes memory_;
};

Result<void> Loading::lay_out() {
    for (const Elf64_Shdr& section : object_.sections()) {
        offsets_.emplace_back();
        if (!is_loaded(section)) continue;
        // Only debuggers walk frames by their tables: the native stack is dropped at once.
        const bool is_unwind_table = section.sh_type == SHT_X86_64_UNWIND;
        if (is_unwind_table && !has_unwind_tables_) continue;
        const bool is_known = section.sh_type == SHT_PROGBITS || is_unwind_table;
        if (!is_known || (section.sh_flags & SHF_WRITE) != 0)
            return fail(ErrorCode::unsupported, "compiled code has data of its own");
        const std::uint64_t alignment = std::max<std::uint64_t>(section.sh_addralign, 1);
        if (alignment > kAlignmentMax || (alignment & (alignment - 1)) != 0)
            return damaged("a section is aligned to nothing");
        offsets_.back() = aligned(size_bytes_, alignment);
        size_bytes_ = *offsets_.back() + TRY(object_.bytes_of(section)).size();
        if (size_bytes_ > kObjectBytesMax) return damaged("it is too long");
    }
    size_bytes_ = aligned(size_bytes_, kFarJumpBytes);
    return for_each_relocation(
        [this](const Elf64_Rela& relocation, std::uint64_t) { return add_import(relocation); });
}

Result<void> Loading::add_import(const Elf64_Rela& relocation) {
    const auto index = static_cast<std::uint32_t>(ELF64_R_SYM(relocation.r_info));
    if (index >= object_.symbols().size()) return damaged("a relocation names no symbol");
    const Elf64_Sym& symbol = object_.symbols()[index];
    if (symbol.st_shndx != SHN_UNDEF || imports_.contains(index)) return {};
    const std::string name = TRY(object_.name_of(symbol));
    const void* const place = ::dlsym(RTLD_DEFAULT, name.c_str());
    if (place == nullptr)
        return fail(ErrorCode::unsupported, "compiled code calls {}, which is not here", name);
    imports_.emplace(index, Import{address_of(place), size_bytes_});
    size_bytes_ += kFarJumpBytes;
    return {};
}

Result<void> Loading::put(MutableBytes memory) {
    memory_ = memory;
    for (std::size_t i = 0; i < offsets_.size(); ++i) {
        if (!offsets_[i]) continue;
        const Bytes bytes = TRY(object_.bytes_of(object_.sections()[i]));
        std::ranges::copy(bytes, memory.subspan(*offsets_[i]).begin());
    }
    for (const auto& [symbol, import] : imports_) {
        std::memcpy(&memory[import.jump], kFarJump.data(), kFarJump.size());
        std::memcpy(&memory[import.jump + kFarJump.size()], &import.address, sizeof import.address);
    }
    return for_each_relocation([this](const Elf64_Rela& relocation, std::uint64_t section) {
        return relocate(relocation, section);
    });
}

Result<void> Loading::for_each_relocation(const Visit& visit) const {
    for (const Elf64_Shdr& table : object_.sections()) {
        if (table.sh_type != SHT_RELA) continue;
        if (table.sh_info >= offsets_.size()) return damaged("relocations are of no section");
        if (!offsets_[table.sh_info]) continue;
        for (const Elf64_Rela& relocation : TRY(object_.entries_of<Elf64_Rela>(table)))
            TRY(visit(relocation, table.sh_info));
    }
    return {};
}

Result<void> Loading::relocate(const Elf64_Rela& relocation, std::uint64_t section) {
    const std::uint64_t type = ELF64_R_TYPE(relocation.r_info);
    const auto index = static_cast<std::uint32_t>(ELF64_R_SYM(relocation.r_info));
    const bool is_distance = kMachine == EM_X86_64 && (type == R_X86_64_PC32 ||  // also of data
                                                       type == R_X86_64_PLT32);
    const bool is_to_word =
        kMachine == EM_X86_64 &&
        (type == R_X86_64_GOTPCREL || type == R_X86_64_GOTPCRELX || type == R_X86_64_REX_GOTPCRELX);
    const auto import = imports_.find(index);
    const bool is_import = import != imports_.end();
    if (!is_distance && !(is_to_word && is_import)) {
        return fail(ErrorCode::unsupported, "compiled code has a relocation of type {}", type);
    }
    const std::uint64_t section_bytes = object_.sections()[section].sh_size;
    if (relocation.r_offset > section_bytes ||
        section_bytes - relocation.r_offset < sizeof(std::int32_t))
        return damaged("a relocation lies behind its section");
    std::uint64_t to = is_import ? import->second.jump : 0;
    if (is_to_word) to += kFarJump.size();
    if (!is_import) to = TRY(offset_of(object_.symbols()[index]));
    const std::uint64_t from = *offsets_[section] + relocation.r_offset;
    const auto distance =
        static_cast<std::int64_t>(to - from + static_cast<std::uint64_t>(relocation.r_addend));
    if (distance != static_cast<std::int32_t>(distance)) return damaged("a distance is too long");
    const auto written = static_cast<std::int32_t>(distance);
    std::memcpy(&memory_[from], &written, sizeof written);
    return {};
}

Result<std::uint64_t> Loading::offset_of(const Elf64_Sym& symbol) const {
    if (symbol.st_shndx >= offsets_.size() || !offsets_[symbol.st_shndx])
        return damaged("a symbol lies in no section");
    if (symbol.st_value > object_.sections()[symbol.st_shndx].sh_size)
        return damaged("a symbol lies behind its section");
    return *offsets_[symbol.st_shndx] + symbol.st_value;
}

Result<CodeSpace::Symbols> Loading::functions() const {
    CodeSpace::Symbols functions;
    for (const Elf64_Sym& symbol : object_.symbols()) {
        const bool is_shown = ELF64_ST_BIND(symbol.st_info) == STB_GLOBAL &&
                              ELF64_ST_TYPE(symbol.st_info) == STT_FUNC &&
                              symbol.st_shndx != SHN_UNDEF;
        if (!is_shown) continue;
        const Bytes behind = memory_.subspan(TRY(offset_of(symbol)));
        functions.emplace(TRY(object_.name_of(symbol)),
                          behind.first(std::min<std::uint64_t>(behind.size(), symbol.st_size)));
    }
    return functions;
}

std::map<std::size_t, std::uint64_t> Loading::section_addresses() const {
    std::map<std::size_t, std::uint64_t> addresses;
    for (std::size_t i = 0; i < offsets_.size(); ++i) {
        if (offsets_[i]) addresses[i] = address_of(memory_.data()) + *offsets_[i];
    }
    return addresses;
}

/// Memory that goes unless it is kept.
class Mapping {
public:
    static Result<Mapping> make(std::uint64_t bytes) {
        const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
        const std::uint64_t size = aligned(std::max<std::uint64_t>(bytes, 1), page_bytes);
        void* const place =
            ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (place == MAP_FAILED) return fail_errno(errno, "cannot have memory for compiled code");
        return Mapping({static_cast<std::byte*>(place), size});
    }
    Mapping(Mapping&& other) noexcept : memory_(std::exchange(other.memory_, {})) {}
    ~Mapping() {
        if (!memory_.empty()) ::munmap(memory_.data(), memory_.size());
    }

    [[nodiscard]] MutableBytes memory() const { return memory_; }
    Result<void> make_executable() {
        if (::mprotect(memory_.data(), memory_.size(), PROT_READ | PROT_EXEC) != 0)
            return fail_errno(errno, "cannot make compiled code executable");
        auto* const first = reinterpret_cast<char*>(memory_.data());
        __builtin___clear_cache(first, first + memory_.size());
        return {};
    }
    MutableBytes keep() { return std::exchange(memory_, {}); }

private:
    explicit Mapping(MutableBytes memory) : memory_(memory) {}

    MutableBytes memory_;
};

}  // namespace

CodeSpace::~CodeSpace() {
    for (const MutableBytes mapping : mappings_)
        ::munmap(mapping.data(), mapping.size());
}

Result<CodeSpace::Symbols> CodeSpace::load(Bytes bytes, const std::string& whose) {
    const Object object = TRY(Object::read(bytes));
    Loading loading(object, names_.has_value());
    TRY(loading.lay_out());
    Mapping mapping = TRY(Mapping::make(loading.size_bytes()));
    TRY(loading.put(mapping.memory()));
    auto functions = TRY(loading.functions());
    TRY(mapping.make_executable());
    const std::lock_guard guard(mutex_);
    mappings_.push_back(mapping.keep());
    if (names_) names_->tell(whose, functions, bytes, loading.section_addresses());
    return functions;
}

}  // namespace sojourn::vm
