/* The binary in our memory. The one idea: what only the start needed need not stay. */
#ifndef CORE_IO_IMAGE_H
#define CORE_IO_IMAGE_H

/* Forgets the pages of code and constants; each comes back with its next use, together
 * with its neighbours, which scripts/order.ld chooses. Breakpoints that a debugger set
 * are forgotten too. Never fails. */
void image_drop(void);

#endif
