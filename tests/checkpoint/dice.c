// Prints what is drawn at random, line by line, and repeats what it is told.
#include <stdio.h>
#include <unistd.h>

int main(void) {
    for (int i = 0; i < 4; i++) {
        unsigned char drawn[4];
        if (getentropy(drawn, sizeof drawn) != 0) return 1;
        printf("%02x%02x%02x%02x\n", drawn[0], drawn[1], drawn[2], drawn[3]);
    }
    for (int character; (character = getchar()) != EOF;)
        putchar(character);
    fprintf(stderr, "done\n");
    return 0;
}
