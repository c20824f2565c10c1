#include "applets/supervisord/event_bus.h"

void event_bus_init(struct event_bus *bus)
{
    *bus = (struct event_bus){0};
    list_init(&bus->subscriptions);
}

bool event_wanted(const struct event_bus *bus, enum event_type type)
{
    return bus->counts[type] > 0;
}

void event_emit(struct event_bus *bus, const struct event *ev)
{
    if (!event_wanted(bus, ev->type))
        return;
    bus->emissions++;
    list_each(it, &bus->subscriptions)
    {
        struct event_subscription *sub = list_item(it, struct event_subscription, link);
        if (event_type_is(ev->type, sub->type))
            sub->fn(sub->arg, ev);
    }
}

/* Keeps the counts that make event_wanted one look-up. */
static void count(struct event_bus *bus, enum event_type ancestor, bool up)
{
    for (int t = 0; t < EVENT_TYPE_COUNT; t++)
        if (event_type_is((enum event_type)t, ancestor))
            bus->counts[t] = up ? bus->counts[t] + 1 : bus->counts[t] - 1;
}

void event_subscribe(struct event_bus *bus, struct event_subscription *sub,
                     enum event_type type, event_fn *fn, void *arg)
{
    *sub = (struct event_subscription){.bus = bus, .type = type, .fn = fn, .arg = arg};
    list_append(&bus->subscriptions, &sub->link);
    count(bus, type, true);
}

void event_unsubscribe(struct event_subscription *sub)
{
    if (!sub->bus)
        return;
    count(sub->bus, sub->type, false);
    list_del(&sub->link);
    sub->bus = NULL;
}
