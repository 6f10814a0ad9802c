"""States and provinces whose taxes differ: their names, and what each lays on services (F011).

For the United States only what is surely so has a row: states that list the services they tax, and
do not list advice, design and building of systems; and states that tax nearly every service. Of the
others a person says how it is: `ASK_A_PERSON` tells them what the question is.
"""

from __future__ import annotations

from datetime import date

#: Per country, small letters without dots: code or name → code.
REGIONS: dict[str, dict[str, str]] = {}

_NAMES = {
    "US": (
        "AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut"
        "|DE Delaware|DC District of Columbia|FL Florida|GA Georgia|HI Hawaii|ID Idaho|IL Illinois"
        "|IN Indiana|IA Iowa|KS Kansas|KY Kentucky|LA Louisiana|ME Maine|MD Maryland"
        "|MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|MO Missouri|MT Montana"
        "|NE Nebraska|NV Nevada|NH New Hampshire|NJ New Jersey|NM New Mexico|NY New York"
        "|NC North Carolina|ND North Dakota|OH Ohio|OK Oklahoma|OR Oregon|PA Pennsylvania"
        "|RI Rhode Island|SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah"
        "|VT Vermont|VA Virginia|WA Washington|WV West Virginia|WI Wisconsin|WY Wyoming"
    ),
    "CA": (
        "AB Alberta|BC British Columbia|MB Manitoba|NB New Brunswick|NL Newfoundland and Labrador"
        "|NS Nova Scotia|NT Northwest Territories|NU Nunavut|ON Ontario|PE Prince Edward Island"
        "|QC Quebec|QC Québec|SK Saskatchewan|YT Yukon"
    ),
}
for _country, _listed in _NAMES.items():
    _codes = [entry.split(" ", 1) for entry in _listed.split("|")]
    REGIONS[_country] = {key.casefold(): code for code, name in _codes for key in (code, name)}

#: State → the law by which it does not tax the services of people.
US_UNTAXED_STATES = {
    "AL": "Ala. Code § 40-23-2: laid on goods and listed services",
    "AZ": "A.R.S. § 42-5061(A)(1)",
    "CA": "Cal. Rev. & Tax. Code § 6051; 18 CCR § 1501",
    "CO": "C.R.S. § 39-26-104: laid on goods and listed services",
    "DE": "Delaware lays no sales tax",
    "FL": "Fla. Stat. § 212.08(7)(v)",
    "GA": "O.C.G.A. § 48-8-3(22)",
    "ID": "Idaho Code § 63-3612: laid on goods and listed services",
    "IL": "35 ILCS 115/3: laid on goods that go with a service",
    "IN": "Ind. Code § 6-2.5-4-1: laid on goods and listed services",
    "MA": "M.G.L. c. 64H § 1",
    "ME": "36 M.R.S. § 1811: laid on goods and listed services",
    "MI": "MCL § 205.52: laid on goods and listed services",
    "MN": "Minn. Stat. § 297A.61 subd. 3: lists the services that are taxed",
    "MO": "Mo. Rev. Stat. § 144.020: laid on goods and listed services",
    "MT": "Montana lays no general sales tax",
    "NC": "N.C. Gen. Stat. § 105-164.4: lists the services that are taxed",
    "ND": "N.D.C.C. § 57-39.2-02.1: laid on goods and listed services",
    "NE": "Neb. Rev. Stat. § 77-2701.16: lists the services that are taxed",
    "NH": "New Hampshire lays no general sales tax",
    "NJ": "N.J.S.A. 54:32B-2(e)(4)(A) and 54:32B-3(b)",
    "NV": "NRS 372.105: laid on goods",
    "NY": "N.Y. Tax Law § 1105(c): lists the services that are taxed",
    "OK": "68 O.S. § 1354: laid on goods and listed services",
    "OR": "Oregon lays no general sales tax",
    "TN": "Tenn. Code Ann. § 67-6-205: lists the services that are taxed",
    "UT": "Utah Code § 59-12-103: laid on goods and listed services",
    "VA": "Va. Code § 58.1-609.5(1)",
    "VT": "32 V.S.A. § 9771: laid on goods and listed services",
    "WI": "Wis. Stat. § 77.52(2)(a): lists the services that are taxed",
    "WY": "Wyo. Stat. § 39-15-103: laid on goods and listed services",
}

Rate = tuple[str, str, date | None, date | None, str]  #: region, rate, from, until, law

#: States that tax nearly every service, with the state's own part of the rate.
US_TAXED_STATES: tuple[Rate, ...] = (
    ("HI", "0.04", None, None, "HRS § 237-13(6)"),
    ("NM", "0.04875", date(2023, 7, 1), None, "NMSA § 7-9-4"),
    ("SD", "0.042", date(2023, 7, 1), date(2027, 6, 30), "SDCL §§ 10-45-4 and 10-45-5; HB 1137"),
    ("SD", "0.045", date(2027, 7, 1), None, "SDCL §§ 10-45-4 and 10-45-5; HB 1137 has ended"),
    ("WV", "0.06", None, None, "W. Va. Code §§ 11-15-3 and 11-15-8"),
)

_ETA = "Excise Tax Act (Canada) s. 165"
#: GST, or the harmonised tax, or GST and Quebec's own together.
CANADIAN_RATES: tuple[Rate, ...] = (
    ("AB", "0.05", None, None, f"{_ETA}(1)"),
    ("NB", "0.15", None, None, f"{_ETA}(2)"),
    ("NL", "0.15", None, None, f"{_ETA}(2)"),
    ("NS", "0.15", None, date(2025, 3, 31), f"{_ETA}(2)"),
    ("NS", "0.14", date(2025, 4, 1), None, f"{_ETA}(2)"),
    ("NT", "0.05", None, None, f"{_ETA}(1)"),
    ("NU", "0.05", None, None, f"{_ETA}(1)"),
    ("ON", "0.13", None, None, f"{_ETA}(2)"),
    ("PE", "0.15", None, None, f"{_ETA}(2)"),
    ("QC", "0.14975", None, None, f"{_ETA}(1); Act respecting the Québec sales tax s. 16"),
    ("YT", "0.05", None, None, f"{_ETA}(1)"),
)

#: Where one must look closer: (country, region) → what is taxed there, for a person to judge.
ASK_A_PERSON = {
    ("CA", "BC"): "provincial sales tax on some services, beside GST",
    ("CA", "MB"): "retail sales tax on some services, beside GST",
    ("CA", "SK"): "provincial sales tax on some services, beside GST",
    ("US", "AK"): "the state lays no sales tax, but boroughs and cities do",
    ("US", "AR"): "a list of services (Ark. Code § 26-52-316)",
    ("US", "CT"): "computer services and business consulting (Conn. Gen. Stat. § 12-407(a)(37))",
    ("US", "DC"): "data processing and information services (D.C. Code § 47-2001)",
    ("US", "IA"): "a list of services (Iowa Code § 423.2)",
    ("US", "KS"): "a list of services (K.S.A. 79-3603)",
    ("US", "KY"): "a list of services (KRS 139.200)",
    ("US", "LA"): "a list of services, with digital ones (La. R.S. 47:301)",
    ("US", "MD"): "data and information technology services since July 2025",
    ("US", "MS"): "computer software services (Miss. Code § 27-65-23)",
    ("US", "OH"): "data processing and electronic information services (O.R.C. § 5739.01)",
    ("US", "PA"): "help supply and other services (72 P.S. § 7201)",
    ("US", "RI"): "a list of services (R.I. Gen. Laws § 44-18-7.3)",
    ("US", "SC"): "services that communicate (S.C. Code § 12-36-910)",
    ("US", "TX"): "data processing and information services (Tex. Tax Code § 151.0101)",
    ("US", "WA"): "information technology services since October 2025 (RCW 82.04.050)",
}
