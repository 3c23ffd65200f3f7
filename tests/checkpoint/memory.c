// Memory that grows while it is used: a sorted array, a linked list, and their digest.
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { kCount = 24, kFillingEnd = 16383 };

typedef struct Node {
    struct Node* next;
    uint32_t value;
    char filling[kFillingEnd + 1];
} Node;

static int compare(const void* left, const void* right) {
    const uint32_t a = *(const uint32_t*)left;
    const uint32_t b = *(const uint32_t*)right;
    return a < b ? -1 : a > b;
}

int main(void) {
    Node* list = NULL;
    uint32_t values[kCount];
    uint32_t state = 12345;
    for (int i = 0; i < kCount; i++) {
        state = state * 1664525 + 1013904223;
        values[i] = state;
        Node* node = malloc(sizeof(Node));
        if (node == NULL) return 1;
        node->next = list;
        node->value = state;
        node->filling[kFillingEnd] = (char)i;
        list = node;
    }
    qsort(values, kCount, sizeof(values[0]), compare);

    uint32_t digest = 0;
    for (const Node* node = list; node != NULL; node = node->next)
        digest = digest * 31 + node->value + (uint32_t)node->filling[kFillingEnd];
    printf("pages %zu\nsmallest %" PRIu32 "\ndigest %08" PRIx32 "\n", __builtin_wasm_memory_size(0),
           values[0], digest);
    return 0;
}
