/* English names of a struct tm's day and month, three letters to print with %.3s: what
 * protocols want whatever the locale, and strftime would bring the locales' 3 KB. */
#ifndef CORE_BASE_CALENDAR_H
#define CORE_BASE_CALENDAR_H

#define DAY_NAME(tm)   (&"SunMonTueWedThuFriSat"[3 * (tm)->tm_wday])
#define MONTH_NAME(tm) (&"JanFebMarAprMayJunJulAugSepOctNovDec"[3 * (tm)->tm_mon])

#endif
