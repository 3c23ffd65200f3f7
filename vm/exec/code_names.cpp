#include "vm/exec/code_names.hpp"

#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <mutex>
#include <unistd.h>

#include <fmt/format.h>

#include "base/file.hpp"
#include "vm/exec/compiled.hpp"
#include "vm/exec/gdb_interface.hpp"

extern "C" {
[[gnu::noinline, gnu::used]] void __jit_debug_register_code() {
    asm volatile("" ::: "memory");
}
[[gnu::used]] jit_descriptor __jit_debug_descriptor = {1, 0, nullptr, nullptr};
}

namespace sojourn::vm {

namespace {

enum Action : std::uint32_t { kNoAction, kRegister, kUnregister };

/// The descriptor is one for the whole host process.
std::mutex& descriptor_mutex() {
    static std::mutex mutex;
    return mutex;
}

void announce(Action action, jit_code_entry& entry) {
    __jit_debug_descriptor.action_flag = action;
    __jit_debug_descriptor.relevant_entry = &entry;
    __jit_debug_register_code();
}

void link(jit_code_entry& entry) {
    const std::lock_guard guard(descriptor_mutex());
    entry.next_entry = __jit_debug_descriptor.first_entry;
    if (entry.next_entry != nullptr) entry.next_entry->prev_entry = &entry;
    __jit_debug_descriptor.first_entry = &entry;
    announce(kRegister, entry);
}

void unlink(jit_code_entry& entry) {
    const std::lock_guard guard(descriptor_mutex());
    (entry.prev_entry == nullptr ? __jit_debug_descriptor.first_entry
                                 : entry.prev_entry->next_entry) = entry.next_entry;
    if (entry.next_entry != nullptr) entry.next_entry->prev_entry = entry.prev_entry;
    announce(kUnregister, entry);
}

void add_to_perf_map(const std::string& lines) {
    // Of the whole host process: what an earlier one of that number left there goes.
    static const int map =
        ::open(fmt::format("/tmp/perf-{}.map", ::getpid()).c_str(),
               O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    static_cast<void>(write_all(map, as_bytes(lines)));
}

template <typename T>
T read_at(const ByteVector& bytes, std::uint64_t offset) {
    T value{};
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}
template <typename T>
void write_at(ByteVector& bytes, std::uint64_t offset, const T& value) {
    std::memcpy(bytes.data() + offset, &value, sizeof value);
}

/// The body is the guest's function; what else there is serves it.
std::string full_name(const std::string& name, const std::string& own) {
    return own == kBodySymbol ? name : fmt::format("{} {}", name, own);
}

/// The object as gdb reads it: its sections say where they are, its functions whose they are.
/// Requires: it was loaded, and so is sound.
ByteVector named_object(const std::string& name, Bytes object,
                        const std::map<std::size_t, std::uint64_t>& section_addresses) {
    ByteVector named(object.begin(), object.end());
    const auto header = read_at<Elf64_Ehdr>(named, 0);
    const auto place_of = [&](std::size_t section) {
        return header.e_shoff + section * sizeof(Elf64_Shdr);
    };
    for (const auto& [section, address] : section_addresses) {
        auto row = read_at<Elf64_Shdr>(named, place_of(section));
        row.sh_addr = address;
        write_at(named, place_of(section), row);
    }
    for (std::size_t section = 0; section < header.e_shnum; ++section) {
        const auto table = read_at<Elf64_Shdr>(named, place_of(section));
        if (table.sh_type != SHT_SYMTAB) continue;
        // The names, with longer ones behind them, go to the end of the file.
        auto names = read_at<Elf64_Shdr>(named, place_of(table.sh_link));
        std::string text(as_text(object.subspan(names.sh_offset, names.sh_size)));
        for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= table.sh_size;
             at += sizeof(Elf64_Sym)) {
            auto symbol = read_at<Elf64_Sym>(named, table.sh_offset + at);
            if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC) continue;
            const std::string own = text.c_str() + symbol.st_name;
            symbol.st_name = static_cast<Elf64_Word>(text.size());
            text += full_name(name, own) + '\0';
            write_at(named, table.sh_offset + at, symbol);
        }
        names.sh_offset = named.size();
        names.sh_size = text.size();
        write_at(named, place_of(table.sh_link), names);
        const Bytes added = as_bytes(text);
        named.insert(named.end(), added.begin(), added.end());
        break;
    }
    return named;
}

}  // namespace

struct CodeNames::Registered {
    explicit Registered(ByteVector named) : object(std::move(named)) {
        entry.symfile_addr = reinterpret_cast<const char*>(object.data());
        entry.symfile_size = object.size();
        link(entry);
    }
    Registered(const Registered&) = delete;
    Registered& operator=(const Registered&) = delete;
    ~Registered() { unlink(entry); }

    ByteVector object;
    jit_code_entry entry{};
};

CodeNames::CodeNames() = default;
CodeNames::~CodeNames() = default;

void CodeNames::tell(const std::string& name,
                     const std::map<std::string, Bytes, std::less<>>& functions, Bytes object,
                     const std::map<std::size_t, std::uint64_t>& section_addresses) {
    std::string lines;
    for (const auto& [own_name, code] : functions) {
        lines += fmt::format("{:x} {:x} {}\n", reinterpret_cast<std::uintptr_t>(code.data()),
                             code.size(), full_name(name, own_name));
    }
    add_to_perf_map(lines);
    registered_.emplace_back(named_object(name, object, section_addresses));
}

}  // namespace sojourn::vm
