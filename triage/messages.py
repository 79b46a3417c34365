"""What the service tells people, in Russian and in Kazakh; one place for every wording."""

from __future__ import annotations

from triage.appeal import Bilingual
from triage.rules import Need

RULES = {
    "history": Bilingual(
        ru="Так маршрутизировали похожие обращения раньше",
        kk="Бұрын осыған ұқсас өтініштер осылай жолданған",
    ),
    "none": Bilingual(
        ru="Исполнителя назвать нельзя: среди похожих обращений нет действующей организации",
        kk="Орындаушыны атау мүмкін емес: ұқсас өтініштер арасында жұмыс істеп тұрған ұйым жоқ",
    ),
}
"""Why a route is what it is, by the name of its rule."""

QUESTIONS = {
    Need.NUMBER: Bilingual(
        ru="Уточните, пожалуйста, номер учреждения",
        kk="Мекеменің нөмірін нақтылап жіберіңізші",
    ),
    Need.ROUTE: Bilingual(
        ru="Уточните, пожалуйста, номер автобусного маршрута",
        kk="Автобус маршрутының нөмірін нақтылап жіберіңізші",
    ),
    Need.ADDRESS: Bilingual(
        ru="Уточните, пожалуйста, улицу и номер дома",
        kk="Көше атауы мен үй нөмірін нақтылап жіберіңізші",
    ),
    Need.DISTRICT: Bilingual(
        ru="Уточните, пожалуйста, район города",
        kk="Қаланың қай ауданы екенін нақтылап жіберіңізші",
    ),
    Need.BANK: Bilingual(
        ru="Уточните, пожалуйста, левый это берег или правый",
        kk="Сол жағалау ма, оң жағалау ма, нақтылап жіберіңізші",
    ),
}
"""What to ask the resident, by what is missing."""

NOTES = {
    "outside_districts": Bilingual(
        ru="Координаты лежат вне районов города, район по ним не определён",
        kk="Координаттар қала аудандарынан тыс, олар бойынша аудан анықталмады",
    ),
}
"""What a person should know of the place."""

REASONS = {
    "contract_kept": Bilingual(
        ru="Вероятность исполнителя {probability} не ниже порога {threshold},"
        " при котором точность не меньше {target}",
        kk="Орындаушының ықтималдығы {probability}, бұл дәлдікті кемінде {target}"
        " деңгейінде ұстайтын {threshold} шегінен төмен емес",
    ),
    "below_threshold": Bilingual(
        ru="Вероятность исполнителя {probability} ниже порога {threshold},"
        " при котором точность не меньше {target}",
        kk="Орындаушының ықтималдығы {probability}, бұл дәлдікті кемінде {target}"
        " деңгейінде ұстайтын {threshold} шегінен төмен",
    ),
    "no_threshold": Bilingual(
        ru="Для таких обращений модель пока не может обещать точность {target}: решает человек",
        kk="Мұндай өтініштер бойынша модель әзірге {target} дәлдікке кепілдік бере алмайды:"
        " шешімді адам қабылдайды",
    ),
    "no_sample": Bilingual(
        ru="Точность {target} не проверена: модель обучена без действующих правил маршрутизации"
        " города или на слишком малом числе обращений; решает человек",
        kk="{target} дәлдік тексерілмеген: модель қаланың қолданыстағы бағыттау ережелерінсіз"
        " немесе тым аз өтініш негізінде оқытылған; шешімді адам қабылдайды",
    ),
    "rule_failed": Bilingual(
        ru="Правило {rules} дало сбой: решает человек",
        kk="{rules} ережесі қатемен аяқталды: шешімді адам қабылдайды",
    ),
    "no_enterprise": Bilingual(
        ru="Исполнитель не определён: решает человек",
        kk="Орындаушы анықталмады: шешімді адам қабылдайды",
    ),
    "place_missing": Bilingual(
        ru="Не указано место: {question}",
        kk="Орны көрсетілмеген: {question}",
    ),
    "district_conflict": Bilingual(
        ru="Район в анкете, по координатам, в тексте и у исполнителя не один и тот же:"
        " решает человек",
        kk="Нысандағы, координаттар бойынша, мәтіндегі және орындаушының ауданы сәйкес келмейді:"
        " шешімді адам қабылдайды",
    ),
    "no_evidence": Bilingual(
        ru="В тексте нет ни одного слова, знакомого модели: решает человек",
        kk="Мәтінде модельге таныс бірде-бір сөз жоқ: шешімді адам қабылдайды",
    ),
    "unknown_language": Bilingual(
        ru="Язык обращения не русский и не казахский: решает человек",
        kk="Өтініш тілі қазақша да, орысша да емес: шешімді адам қабылдайды",
    ),
}
"""Why an action is what it is, by reason code."""


def tell(message: Bilingual, **values: str) -> Bilingual:
    """Fill a message in both languages."""
    return Bilingual(ru=message.ru.format(**values), kk=message.kk.format(**values))


def fill(message: Bilingual, **values: Bilingual) -> Bilingual:
    """Fill a message with messages, each in its own language."""
    return Bilingual(
        ru=message.ru.format(**{name: value.ru for name, value in values.items()}),
        kk=message.kk.format(**{name: value.kk for name, value in values.items()}),
    )


def percent(share: float) -> str:
    """Write a share as Russian and Kazakh do, one decimal cut off, so that 0.9499 is no 95 %.

    Examples
    --------
    >>> percent(0.95), percent(0.9499)
    ('95,0 %', '94,9 %')
    """
    whole, tenth = divmod(int(round(share * 1_000_000) / 1000), 10)
    return f"{whole},{tenth} %"
