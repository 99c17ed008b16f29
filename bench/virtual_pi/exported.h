/* irq_sim.c is made for the kernel proper: what a module may not call, by what it may. */
#include <linux/irq.h>
#include <linux/irqdesc.h>
#define irq_to_desc(number) irq_data_to_desc(irq_get_irq_data(number))
