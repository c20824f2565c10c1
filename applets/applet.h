/* One binary, several programs: which one runs is decided by the name it was started
 * under, or by its first argument (main.c). */
#ifndef APPLETS_APPLET_H
#define APPLETS_APPLET_H

/* Our own version, for `supervisor --version`. What clients compare with Supervisor's
 * version is another number: SUPERVISOR_API_VERSION. */
#define SUPERVISOR_OWN_VERSION "0.1.0"
#define SUPERVISOR_API_VERSION "4.4.0"

struct applet {
    const char *name;
    int (*main)(int argc, char **argv); /* argv[0] is the applet's name or path */
};

/* The exit status is what each returns. */
int supervisord_main(int argc, char **argv);
int supervisorctl_main(int argc, char **argv);
int echo_supervisord_conf_main(int argc, char **argv);
int pidproxy_main(int argc, char **argv);

#endif
